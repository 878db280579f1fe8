package db_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

func condition(key string) market.AlertCondition {
	return market.AlertCondition{
		Kind: market.AlertSeriesStale, Key: key, OccurredAt: at("2024-03-05T10:00:00Z"), Weight: 3,
		Subject: market.AlertSubject{Provider: "fake", Interval: market.Interval1m},
		Text:    market.AlertText{Title: "Stale", Message: "late\x00", Details: json.RawMessage(`{"count": 3}`)},
	}
}

// change applies the changes whatever is open.
func change(t *testing.T, d *db.DB, changes market.AlertChanges, webhooks ...market.AlertWebhook) {
	t.Helper()
	_, err := d.ChangeAlerts(t.Context(), webhooks, func([]market.Alert) market.AlertChanges { return changes })
	require.NoError(t, err)
}

func TestAlertsAndWhatIsToldAreOneTransaction(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	hooks := []market.AlertWebhook{
		{Name: "all", Kinds: market.AlertKinds()}, {Name: "paused", Kinds: []market.AlertKind{market.AlertProviderPaused}},
	}
	counts, err := d.ChangeAlerts(t.Context(), hooks, func(open []market.Alert) market.AlertChanges {
		require.Empty(t, open)
		return market.AlertChanges{Raise: []market.AlertCondition{condition("a"), condition("b")}}
	})
	require.NoError(t, err)
	require.Equal(t, market.AlertCounts{Raised: 2}, counts)
	open, err := d.OpenAlerts(t.Context())
	require.NoError(t, err)
	require.Len(t, open, 2)
	first := open[0]
	require.WithinDuration(t, scalar[time.Time](t, d, "SELECT now()"), first.RaisedAt, time.Minute)
	require.Equal(t, market.Alert{
		ID: first.ID, Kind: market.AlertSeriesStale, Key: "a", OccurredAt: at("2024-03-05T10:00:00Z"), Weight: 3,
		Subject: market.AlertSubject{Provider: "fake", Interval: market.Interval1m}, RaisedAt: first.RaisedAt,
		Text: market.AlertText{Title: "Stale", Message: "late", Details: json.RawMessage(`{"count": 3}`)},
	}, first)

	waiting, err := d.WaitingDeliveries(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []market.AlertRef{
		{AlertID: open[0].ID, Event: market.EventRaised, Webhook: "all"}, {AlertID: open[1].ID, Event: market.EventRaised, Webhook: "all"},
	}, waiting, "one for each that wants the kind")

	_, err = d.ChangeAlerts(t.Context(), hooks, func([]market.Alert) market.AlertChanges {
		return market.AlertChanges{Raise: []market.AlertCondition{condition("c"), condition("a")}}
	})
	require.Error(t, err, "two alerts of one subject are never open")
	require.Equal(t, 2, scalar[int](t, d, "SELECT count(*) FROM alert"), "all or nothing")
	require.Equal(t, 2, scalar[int](t, d, "SELECT count(*) FROM alert_delivery"))

	more := condition("b")
	more.Text.Title = "Stale still"
	change(t, d, market.AlertChanges{
		Resolve: []string{first.ID}, Refresh: map[string]market.AlertCondition{open[1].ID: more},
	}, hooks...)
	a, err := d.Alert(t.Context(), first.ID)
	require.NoError(t, err)
	require.NotNil(t, a.ResolvedAt)
	require.Len(t, a.Deliveries, 2)
	require.Equal(t, market.EventResolved, a.Deliveries[1].Event)
	b, err := d.Alert(t.Context(), open[1].ID)
	require.NoError(t, err)
	require.Equal(t, "Stale still", b.Text.Title)
	require.Len(t, b.Deliveries, 1, "nobody is told of a changed text")

	change(t, d, market.AlertChanges{Supersede: []string{b.ID}, Raise: []market.AlertCondition{condition("b")}}, hooks...)
	b, err = d.Alert(t.Context(), b.ID)
	require.NoError(t, err)
	require.NotNil(t, b.ResolvedAt)
	require.Len(t, b.Deliveries, 1, "the new one takes its place without a word of its end")
	hasKindNamed(t, "no id", market.KindNotFound, func() error { _, err := d.Alert(t.Context(), "x"); return err }())
}

func TestAlertsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	paused := condition("c")
	paused.Kind = market.AlertProviderPaused
	for _, c := range []market.AlertCondition{condition("a"), condition("b"), paused} {
		change(t, d, market.AlertChanges{Raise: []market.AlertCondition{c}})
	}
	keys := func(q market.AlertQuery) (keys []string, last string) {
		found, err := d.Alerts(t.Context(), q)
		require.NoError(t, err)
		for _, a := range found {
			keys, last = append(keys, a.Key), a.ID
		}
		return keys, last
	}
	got, last := keys(market.AlertQuery{Limit: 2})
	require.Equal(t, []string{"c", "b"}, got)
	got, last = keys(market.AlertQuery{Limit: 2, After: last})
	require.Equal(t, []string{"a"}, got)
	change(t, d, market.AlertChanges{Resolve: []string{last}})
	got, _ = keys(market.AlertQuery{Limit: 9, Status: "open"})
	require.Equal(t, []string{"c", "b"}, got)
	got, _ = keys(market.AlertQuery{Limit: 9, Status: "resolved"})
	require.Equal(t, []string{"a"}, got)
	got, _ = keys(market.AlertQuery{Limit: 9, Kind: market.AlertProviderPaused})
	require.Equal(t, []string{"c"}, got)
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	change(t, d, market.AlertChanges{Raise: []market.AlertCondition{condition("a")}}, market.AlertWebhook{Name: "ops", Kinds: market.AlertKinds()})
	waiting := func() []market.AlertRef {
		refs, err := d.WaitingDeliveries(t.Context())
		require.NoError(t, err)
		return refs
	}
	require.Len(t, waiting(), 1)
	ref := waiting()[0]
	delivery := func() market.AlertDelivery {
		a, err := d.Alert(t.Context(), ref.AlertID)
		require.NoError(t, err)
		require.Len(t, a.Deliveries, 1)
		return a.Deliveries[0]
	}
	require.NoError(t, d.NoteDelivery(t.Context(), ref))
	require.Empty(t, waiting(), "somebody looks after it")
	exec(t, d, "UPDATE alert_delivery SET looked_at = now() - interval '6 minutes'")
	require.Len(t, waiting(), 1)

	require.NoError(t, d.NoteAttempt(t.Context(), ref, "refused"))
	require.Equal(t, market.AlertDelivery{AlertRef: ref, Status: market.DeliveryPending, Attempts: 1, Error: "refused"}, delivery())
	require.NoError(t, d.FailDelivery(t.Context(), ref, "given up"))
	require.Equal(t, market.DeliveryFailed, delivery().Status)
	require.Empty(t, waiting())
	require.NoError(t, d.MarkDelivered(t.Context(), ref))
	got := delivery()
	require.NotNil(t, got.DeliveredAt)
	require.Equal(t, market.AlertDelivery{AlertRef: ref, Status: market.DeliveryDelivered, Attempts: 2, DeliveredAt: got.DeliveredAt}, got)
	require.NoError(t, d.FailDelivery(t.Context(), ref, "late word"))
	require.NoError(t, d.NoteAttempt(t.Context(), ref, "late word"))
	require.Equal(t, got, delivery(), "what is delivered stays so")

	test, err := d.CreateTestAlert(t.Context(), market.AlertCondition{
		Kind: market.AlertTest, Key: "ops", Weight: 1, Text: market.AlertText{Title: "Test", Details: json.RawMessage("{}")},
	}, "ops")
	require.NoError(t, err)
	require.Equal(t, []market.AlertRef{test}, waiting())
	open, err := d.OpenAlerts(t.Context())
	require.NoError(t, err)
	require.Len(t, open, 1, "a test is over at once")
}

func TestFailedBackfillsAreFoundUntilAnAlertIsAboutThem(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	r := span("2024-01-01", "2024-01-02")
	chunk := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
	job := scalar[string](t, d, "SELECT job_id::text FROM ingest_chunk WHERE id = $1", chunk)
	hourAgo := scalar[time.Time](t, d, "SELECT now() - interval '1 hour'")
	failed := func() []market.FailedBackfill {
		found, err := d.NewlyFailedBackfills(t.Context(), hourAgo)
		require.NoError(t, err)
		return found
	}
	unsettled := func() []string {
		ids, err := d.UnsettledBackfills(t.Context(), []string{job})
		require.NoError(t, err)
		return ids
	}
	require.Empty(t, failed(), "not ended")
	require.Equal(t, []string{job}, unsettled(), "at work")
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunk, Kind: market.KindDenied, Message: "your key is no good"}))
	require.Len(t, failed(), 1)
	f := failed()[0]
	require.Equal(t, job, f.Backfill.ID)
	require.Len(t, f.Backfill.Failures, 1)
	exec(t, d, "UPDATE ingest_job SET kind = 'sync'")
	require.Empty(t, failed(), "what sync fails at shows as stale series")
	exec(t, d, "UPDATE ingest_job SET kind = 'backfill'")

	c := market.AlertCondition{
		Kind: market.AlertBackfillFailed, Key: job, OccurredAt: f.RunAt, Weight: 1, Text: market.AlertText{Details: json.RawMessage("{}")},
	}
	change(t, d, market.AlertChanges{Raise: []market.AlertCondition{c}})
	require.Empty(t, failed(), "told of")
	exec(t, d, "UPDATE alert SET resolved_at = now()")
	require.Empty(t, failed(), "once is enough")
	require.Equal(t, []string{job}, unsettled())
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunk, Kind: market.KindInternal, Message: "its parent says so too"}))
	require.Empty(t, failed(), "it is the same failure")
	exec(t, d, "UPDATE ingest_job SET started_at = clock_timestamp()")
	require.Len(t, failed(), 1, "it was retried and failed again")
	exec(t, d, "UPDATE ingest_chunk SET finished_at = $1", hourAgo.Add(-time.Second))
	require.Empty(t, failed(), "past news")
	exec(t, d, "UPDATE ingest_chunk SET status = 'done'")
	require.Empty(t, unsettled())
}

func TestSyncErrors(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	fails, mended, untried := newSeries(t, d, market.Interval1m), newSeries(t, d, market.Interval1m), newSeries(t, d, market.Interval1m)
	const insert = "INSERT INTO series_sync (series_id, failures, error_kind, error) VALUES ($1, $2, 'denied', 'your key is no good')"
	exec(t, d, insert, fails, 3)
	exec(t, d, insert, mended, 0)
	got, err := d.SyncErrors(t.Context(), []int64{fails, mended, untried})
	require.NoError(t, err)
	require.Equal(t, map[int64]string{fails: "denied: your key is no good"}, got)
	got, err = d.SyncErrors(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestRefusalsAndAnswersOfProviders(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	now := scalar[time.Time](t, d, "SELECT now()")
	chunk := newChunk(t, d, newSeries(t, d, market.Interval1m), span("2024-01-01", "2024-01-02"), market.PolicyAll)
	refusals := func() []market.ProviderRefusal {
		found, err := d.ProviderRefusals(t.Context(), now.Add(-time.Hour))
		require.NoError(t, err)
		return found
	}
	hasAnswered := func(after time.Time) bool {
		has, err := d.HasAnswered(t.Context(), "fake", after)
		require.NoError(t, err)
		return has
	}
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunk, Kind: market.KindMalformed, Message: "HTML"}))
	require.Empty(t, refusals())
	exec(t, d, "UPDATE ingest_chunk SET error_kind = 'denied', error = 'restricted location'")
	require.Len(t, refusals(), 1)
	got := refusals()[0]
	require.Equal(t, market.ProviderRefusal{Provider: "fake", Instrument: got.Instrument, Message: "restricted location", At: got.At}, got)
	require.Regexp(t, `^S.*\.TEST$`, got.Instrument)

	require.False(t, hasAnswered(now.Add(-time.Hour)))
	const answer = `INSERT INTO raw_page (chunk_id, page, attempt, start_at, end_at, is_ok, url, status, requested_at, sha256, bytes, body)
		VALUES ($1, 0, 1, now(), now(), $2, '', 200, $3, '', 0, '')`
	exec(t, d, answer, chunk, false, now)
	require.False(t, hasAnswered(now.Add(-time.Hour)), "no good answer")
	exec(t, d, answer, chunk, true, now)
	require.True(t, hasAnswered(now.Add(-time.Minute)))
	require.False(t, hasAnswered(now))
}
