package all_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/all"
)

func TestAdapters(t *testing.T) {
	t.Parallel()
	adapters := all.Adapters()
	require.True(t, slices.IsSortedFunc(adapters, func(a, b providers.Adapter) int {
		return slices.Compare([]byte(a.Name), []byte(b.Name))
	}))
	instances := make([]providers.Instance, len(adapters))
	for i, a := range adapters {
		instances[i] = providers.Instance{Name: "my_" + a.Name, Adapter: a.Name, APIKey: "key"}
	}
	client := providers.NewClient(providers.ClientOptions{Now: func() time.Time { return time.Time{} }})
	r, err := providers.NewRegistry(adapters, instances, client, nil)
	require.NoError(t, err)
	require.Len(t, r.Instances(), len(adapters))
	for _, i := range r.Instances() {
		p, err := r.Provider(i.Name)
		require.NoError(t, err)
		require.Equal(t, i.Name, p.Name())
		require.Subset(t, market.Intervals(), i.Capabilities.Intervals)
	}
}
