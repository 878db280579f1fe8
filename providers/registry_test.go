package providers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

func adapters() []providers.Adapter {
	return []providers.Adapter{
		{Name: "second", New: func(i providers.Instance, _ *providers.Client) (providers.Provider, error) {
			return nil, market.Errorf(market.KindInvalid, "no key for %s", i.Adapter)
		}},
		{Name: "first", New: func(i providers.Instance, _ *providers.Client) (providers.Provider, error) {
			return &source{name: i.Name}, nil
		}},
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	var decorated []string
	r, err := providers.NewRegistry(adapters(), []providers.Instance{
		{Name: "zeta", Adapter: "first", RequestsPerMinute: 7, Synthetic: true},
		{Name: "alpha", Adapter: "first", WeightPerMinute: 90, Enabled: true},
	}, nil, func(p providers.Provider) providers.Provider {
		decorated = append(decorated, p.Name())
		return providers.WithRecording(p, "")
	})
	require.NoError(t, err)
	require.Equal(t, []string{"zeta", "alpha"}, decorated)

	instances := r.Instances()
	require.Len(t, instances, 2)
	require.Equal(t, "alpha", instances[0].Name)
	require.True(t, instances[0].Enabled)
	require.Equal(t, market.Pacing{RequestsPerMinute: 60, WeightPerMinute: 90, PageWeight: 2, HeaviestWeight: 20}, instances[0].Capabilities.Pacing)
	require.Equal(t, "zeta", instances[1].Name)
	require.True(t, instances[1].Synthetic)
	require.Equal(t, "first", instances[1].Adapter)
	require.Equal(t, market.Pacing{RequestsPerMinute: 7, WeightPerMinute: 100, PageWeight: 2, HeaviestWeight: 20}, instances[1].Capabilities.Pacing)

	p, err := r.Provider("alpha")
	require.NoError(t, err)
	require.Equal(t, "alpha", p.Name())
	require.Implements(t, (*providers.ListingFinder)(nil), p)
	_, err = r.Provider("beta")
	require.Equal(t, market.KindNotFound, market.KindOf(err))
}

func TestRegistryRefuses(t *testing.T) {
	t.Parallel()
	for text, instances := range map[string][]providers.Instance{
		`provider x: unknown adapter "third": known are first, second`: {{Name: "x", Adapter: "third"}},
		`provider x: no key for second`:                                {{Name: "x", Adapter: "second"}},
		`provider "x" is configured twice`:                             {{Name: "x", Adapter: "first"}, {Name: "x", Adapter: "first"}},
	} {
		_, err := providers.NewRegistry(adapters(), instances, nil, nil)
		require.EqualError(t, err, text)
		require.Equal(t, market.KindInvalid, market.KindOf(err))
	}
}

func TestEmptyRegistry(t *testing.T) {
	t.Parallel()
	r, err := providers.NewRegistry(nil, nil, nil, nil)
	require.NoError(t, err)
	require.Empty(t, r.Instances())
}
