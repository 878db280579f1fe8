package activities_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/providers"
	"marketdata/trace"
)

// counts keeps what it is told.
type counts struct{ told []string }

func (c *counts) PageStored(provider string, isReadable bool) {
	c.told = append(c.told, fmt.Sprintf("page of %s, readable: %t", provider, isReadable))
}

func (c *counts) BarsWritten(provider string, interval market.Interval, r market.LoadResult) {
	c.told = append(c.told, fmt.Sprintf("%d bars %s of %s", r.Inserted, interval, provider))
}

func TestOnlyWhatWasCommittedIsCounted(t *testing.T) {
	t.Parallel()
	f, recorded := setup(t), &counts{}
	f.a.Recorder = recorded
	_, err := f.fetch(t)
	require.NoError(t, err)
	require.NotEmpty(t, f.store.pages)
	require.Len(t, recorded.told, len(f.store.pages))
	for _, told := range recorded.told {
		require.Equal(t, "page of alpha, readable: true", told)
	}

	recorded.told = nil
	f.store.claim.Chunk.Provider = "alpha"
	_, err = f.env.ExecuteActivity(f.a.UpsertChunk, activities.UpsertInput{Chunk: f.ref, Bars: 7})
	require.ErrorContains(t, err, "row count differs")
	require.Empty(t, recorded.told, "nothing was committed")
	_, err = f.env.ExecuteActivity(f.a.UpsertChunk, activities.UpsertInput{Chunk: f.ref})
	require.NoError(t, err)
	require.Equal(t, []string{"0 bars 1m of alpha"}, recorded.told)
}

func TestUnreadablePagesAreCounted(t *testing.T) {
	t.Parallel()
	f, recorded := setup(t), &counts{}
	f.a.Recorder = recorded
	f.provider.fetch = func(providers.Request) (providers.Page, error) {
		return providers.Page{Status: 200}, market.Errorf(market.KindMalformed, "HTML")
	}
	_, err := f.fetch(t)
	require.Error(t, err)
	require.Equal(t, []string{"page of alpha, readable: false"}, recorded.told)
}

// tracedFlows keeps the request ids that backfills are started with.
type tracedFlows struct {
	flows
	mutex sync.Mutex
	ids   []string
}

func (f *tracedFlows) RestartBackfill(ctx context.Context, _ string) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.ids = append(f.ids, trace.RequestID(ctx))
	return nil
}

func TestSweepStartsABackfillUnderTheIDOfItsRequest(t *testing.T) {
	t.Parallel()
	f := &tracedFlows{flows: flows{states: map[string]activities.WorkflowState{"a": activities.WorkflowUnknown, "b": activities.WorkflowUnknown}}}
	a := &activities.Activities{
		Workflows: f, Syncs: &syncs{}, Housekeeping: &housekeeper{}, Now: start,
		Jobs: &jobs{unfinished: []market.UnfinishedJob{{ID: "a", WorkflowID: "a", RequestID: "r-1"}, {ID: "b", WorkflowID: "b"}}},
	}
	_, err := execute(t, a.SweepJobs)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"r-1", ""}, f.ids)
}
