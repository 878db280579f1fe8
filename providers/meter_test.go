package providers_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

// meter keeps what it is told.
type meter struct{ told []string }

func (m *meter) RequestSent(provider, operation string, status int, kind market.Kind, took time.Duration) {
	m.told = append(m.told, fmt.Sprintf("%s %s %d %q %s", provider, operation, status, kind, took))
}

func (m *meter) BudgetGranted(provider string, wait time.Duration) {
	m.told = append(m.told, fmt.Sprintf("%s granted %s", provider, wait))
}

func (m *meter) BudgetRefused(provider string, kind market.Kind) {
	m.told = append(m.told, fmt.Sprintf("%s refused %q", provider, kind))
}

// ticking is a clock that moves a second at each look.
func ticking() func() time.Time {
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		at = at.Add(time.Second)
		return at
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	var m meter
	s := &source{name: "alpha", page: providers.Page{Status: http.StatusOK}}
	require.NoError(t, callAll(t, providers.WithMetrics(s, &m, ticking())))
	s.page.Status, s.err = http.StatusTooManyRequests, market.Errorf(market.KindRateLimited, "slow down")
	_, err := providers.WithMetrics(s, &m, ticking()).Fetch(t.Context(), providers.Request{})
	require.Error(t, err)
	require.ElementsMatch(t, []string{
		`alpha fetch 200 "" 1s`, `alpha instruments 0 "" 1s`, `alpha listing 0 "" 1s`, `alpha fetch 429 "rate_limited" 1s`,
	}, m.told)
}

func TestTheWholeWaitForTheBudgetIsCounted(t *testing.T) {
	t.Parallel()
	var m meter
	// refused at first, asked again after a second, booked for 3 s later, found held for 2 s more
	b := &budget{
		errs: []error{limited(time.Second), nil}, waits: []time.Duration{0, 3 * time.Second}, left: []time.Duration{2 * time.Second, 0},
	}
	s := &source{name: "alpha", page: providers.Page{Status: http.StatusOK}}
	p := providers.WithMeteredBudget(providers.WithMetrics(s, &m, ticking()), b, noSleep, &m)
	_, err := p.Fetch(t.Context(), providers.Request{})
	require.NoError(t, err)
	b.errs = []error{limited(time.Hour)}
	_, err = p.Fetch(t.Context(), providers.Request{})
	require.Equal(t, market.KindRateLimited, market.KindOf(err))
	require.Equal(t, []string{"alpha granted 6s", `alpha fetch 200 "" 1s`, `alpha refused "rate_limited"`}, m.told, "what is refused is no request")
}
