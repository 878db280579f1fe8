package activities_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/providers"
)

// seeker finds a listing after some requests; its cursor counts them.
type seeker struct {
	provider
	steps int
}

func (s *seeker) Provider(string) (providers.Provider, error) { return s, nil }

func (s *seeker) Listing(ctx context.Context, symbol, cursor string) (providers.Listing, string, error) {
	if lane := providers.LaneOf(ctx); lane != providers.LaneSync {
		return providers.Listing{}, "", market.Errorf(market.KindInvalid, "lane %s: somebody waits for the answer", lane)
	}
	s.calls++
	if cursor != "" && cursor != strconv.Itoa(s.calls-1) {
		return providers.Listing{}, "", market.Errorf(market.KindInvalid, "cursor %q is not the last one", cursor)
	}
	if s.calls < s.steps {
		return providers.Listing{}, strconv.Itoa(s.calls), nil
	}
	return providers.Listing{Symbol: symbol, ListedAt: start()}, "", nil
}

// listings keeps what was found.
type listings struct {
	activities.JobStore
	listedAt time.Time
}

func (l *listings) SetListing(_ context.Context, _ market.InstrumentID, _ string, listedAt, _ time.Time) error {
	l.listedAt = listedAt
	return nil
}

func TestFindListing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		steps    int
		requests int
		kind     string
	}{
		{name: "one request", steps: 1, requests: 1},
		{name: "a search", steps: 6, requests: 6},
		{name: "a search without end", steps: 1000, requests: 24, kind: string(market.KindMalformed)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			s, found := &seeker{steps: tc.steps}, &listings{}
			a := &activities.Activities{Providers: s, Jobs: found}
			env.RegisterActivity(a.FindListing)
			_, err := env.ExecuteActivity(a.FindListing, activities.ListingInput{Instrument: "X.TEST", Provider: "alpha", Symbol: "X"})
			require.Equal(t, tc.requests, s.calls)
			if tc.kind != "" {
				require.ErrorContains(t, err, tc.kind)
				require.True(t, found.listedAt.IsZero())
				return
			}
			require.NoError(t, err)
			require.Equal(t, start(), found.listedAt)
		})
	}
}
