package market_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestCron(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, after, want string }{
		{"0 3 * * *", "2024-01-31T03:00:00Z", "2024-02-01T03:00:00Z"},
		{"*/15 9-17 * * MON-FRI", "2024-03-01T17:45:00Z", "2024-03-04T09:00:00Z"},
		{"30 4 1 JAN,JUL *", "2024-01-01T04:30:00Z", "2024-07-01T04:30:00Z"},
		{"0 0 * * 7", "2024-03-01T00:00:00Z", "2024-03-03T00:00:00Z"},
		{"0 0 * * 6-7", "2024-03-02T00:00:00Z", "2024-03-03T00:00:00Z"},
		{"0 0 29 2 *", "2024-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"0 0 13 * 5", "2024-03-02T00:00:00Z", "2024-03-08T00:00:00Z"}, // either day, as crontab does
	} {
		parsed, err := market.ParseCron(c.text)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, market.FormatTime(parsed.Next(mustTime(t, c.after))), c.text)
	}
	for _, bad := range []string{
		"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 * ", "* * * * 8", "*/0 * * * *", "5-1 * * * *",
		"a * * * *", "0 0 30 2 *", "@daily", "TZ=Asia/Tokyo 0 3 * * *", "CRON_TZ=UTC 0 3 * *", "0 3 * * 1-8", "-1 * * * *", "1,,2 * * * *",
	} {
		_, err := market.ParseCron(bad)
		require.Equal(t, market.KindInvalid, market.KindOf(err), "%q", bad)
		require.Contains(t, err.Error(), "cron expression", bad)
	}
}

// TestCronDays holds the form that Temporal takes against the one that was parsed.
func TestCronDays(t *testing.T) {
	t.Parallel()
	has := func(f market.CronField, v int) bool {
		for _, x := range f {
			if x == v {
				return true
			}
		}
		return false
	}
	for _, text := range []string{"0 3 * * *", "*/7 */5 */3 * *", "10-20/5 1 1,15 * MON", "0 0 13 * 5", "0 12 * 2 7"} {
		parsed, err := market.ParseCron(text)
		require.NoError(t, err)
		next := parsed.Next(mustTime(t, "2024-02-01T00:00:00Z").Add(-time.Second))
		for at := mustTime(t, "2024-02-01T00:00:00Z"); at.Before(mustTime(t, "2024-03-10T00:00:00Z")); at = at.Add(time.Minute) {
			isMatched := false
			for _, d := range parsed.Days() {
				isMatched = isMatched || has(d.Minute, at.Minute()) && has(d.Hour, at.Hour()) && has(d.DayOfMonth, at.Day()) &&
					has(d.Month, int(at.Month())) && has(d.DayOfWeek, int(at.Weekday()))
			}
			require.Equal(t, at.Equal(next), isMatched, "%s at %s", text, at)
			if isMatched {
				next = parsed.Next(at)
			}
		}
	}
}

func TestCronShortestGap(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0 3 * * *": time.Hour, "*/5 * * * *": 5 * time.Minute, "* * * * *": time.Minute, "0,59 * * * *": time.Minute, "5,35 0 * * *": 30 * time.Minute,
	} {
		parsed, err := market.ParseCron(text)
		require.NoError(t, err)
		require.Equal(t, want, parsed.ShortestGap(), text)
	}
}

func FuzzParseCron(f *testing.F) {
	for _, seed := range []string{"0 3 * * *", "*/5 1-2,7 ? JAN 7", "", "0 0 30 2 *"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := market.ParseCron(text)
		if err == nil {
			require.False(t, parsed.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero())
			require.NotEmpty(t, parsed.Days())
		}
	})
}

func TestLookback(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"12h": "2024-03-30T15:04:05Z", "30d": "2024-03-01T03:04:05Z", "2w": "2024-03-17T03:04:05Z", "1mo": "2024-02-29T03:04:05Z",
		"6mo": "2023-09-30T03:04:05Z", "1y": "2023-03-31T03:04:05Z", "13mo": "2023-02-28T03:04:05Z",
	} {
		l, err := market.ParseLookback(text)
		require.NoError(t, err, text)
		require.Equal(t, text, l.String())
		require.Equal(t, want, market.FormatTime(l.Before(mustTime(t, "2024-03-31T03:04:05Z"))), text)
	}
	for _, bad := range []string{"", "d", "30", "0d", "-1d", "1.5d", "30m", "30 d", "1000001d", "99999999999999999999d", "2000y", "30D"} {
		_, err := market.ParseLookback(bad)
		require.Equal(t, market.KindInvalid, market.KindOf(err), "%q", bad)
	}
	l, err := market.ParseLookback("30d")
	require.NoError(t, err)
	r := l.Range(mustTime(t, "2024-03-31T03:04:05Z"), market.Interval1d)
	require.Equal(t, "[2024-03-01T00:00:00Z, 2024-04-01T00:00:00Z)", r.String()) // 30 days and the one that is not over
}

func TestEvery(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"1s": time.Second, "90s": 90 * time.Second, "15m": 15 * time.Minute, "1h30m": 90 * time.Minute, "1d": 24 * time.Hour, "2w": 14 * 24 * time.Hour,
	} {
		got, err := market.ParseEvery(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, bad := range []string{"", "0", "0s", "-1h", "500ms", "1", "1d12h", "367d", "53w", "1mo", "99999999999999999999d", "abc", "1.5s"} {
		_, err := market.ParseEvery(bad)
		require.Equal(t, market.KindInvalid, market.KindOf(err), "%q", bad)
	}
	for d, want := range map[time.Duration]string{time.Minute: "1m", 15 * time.Minute: "15m", 90 * time.Minute: "1h30m", time.Hour: "1h", 90 * time.Second: "1m30s"} {
		require.Equal(t, want, market.FormatEvery(d))
	}
}

func goodSchedule() market.ScheduleText {
	return market.ScheduleText{ID: "nightly-btc", Instruments: []string{"btcusdt.binance"}, Interval: "1d", Cron: " 0  3 * * * ", Range: "30d"}
}

func TestParseSchedule(t *testing.T) {
	t.Parallel()
	s, faults := market.ParseSchedule(goodSchedule())
	require.Empty(t, faults)
	require.Equal(t, "0 3 * * *", s.Cron)
	require.Equal(t, market.PolicyMissing, s.Policy)
	require.Equal(t, 4, s.Concurrency)
	require.Equal(t, "BTCUSDT.BINANCE", s.Instruments[0].String())

	for name, c := range map[string]struct {
		change func(*market.ScheduleText)
		fields []string
	}{
		"nothing at all": {func(s *market.ScheduleText) { *s = market.ScheduleText{} }, []string{"id", "instruments", "interval", "every", "range"}},
		"both times":     {func(s *market.ScheduleText) { s.Every = "1h" }, []string{"cron"}},
		"bad every":      {func(s *market.ScheduleText) { s.Cron, s.Every = "", "soon" }, []string{"every"}},
		"bad cron":       {func(s *market.ScheduleText) { s.Cron = "61 * * * *" }, []string{"cron"}},
		"reserved":       {func(s *market.ScheduleText) { s.ID = "sync-binance-1m" }, []string{"id"}},
		"reserved too":   {func(s *market.ScheduleText) { s.ID = "maintenance-x" }, []string{"id"}},
		"capitals":       {func(s *market.ScheduleText) { s.ID = "Nightly" }, []string{"id"}},
		"too long":       {func(s *market.ScheduleText) { s.ID = strings.Repeat("a", 64) }, []string{"id"}},
		"one twice":      {func(s *market.ScheduleText) { s.Instruments = []string{"A.B", "x", "a.b"} }, []string{"instruments[1]", "instruments[2]"}},
		"the rest":       {func(s *market.ScheduleText) { s.Policy, s.Concurrency, s.MaxFailed = "some", 65, -1 }, []string{"policy", "concurrency", "max_failed"}},
	} {
		text := goodSchedule()
		c.change(&text)
		_, faults := market.ParseSchedule(text)
		fields := []string{}
		for _, f := range faults {
			require.NotEmpty(t, f.Message)
			fields = append(fields, f.Field)
		}
		require.Equal(t, c.fields, fields, name)
	}
}

func TestSyncSchedules(t *testing.T) {
	t.Parallel()
	got := market.SyncSchedules([]market.TrackedSeries{
		{Provider: "binance", Interval: market.Interval1m}, {Provider: "binance", Interval: market.Interval1m}, {Provider: "sim_yahoo", Interval: market.Interval1d},
	})
	require.Equal(t, []market.SyncSchedule{
		{Provider: "binance", Interval: market.Interval1m, Series: 2}, {Provider: "sim_yahoo", Interval: market.Interval1d, Series: 1},
	}, got)
	require.Equal(t, "sync-sim_yahoo-1d", got[1].ID())
	require.Equal(t, time.Minute, got[0].Every())
	require.Equal(t, 15*time.Minute, got[1].Every())
	require.Equal(t, 15*time.Minute, market.SyncSchedule{Interval: market.Interval4h}.Every())
	parsed, isSync := market.ParseSyncScheduleID("sync-sim_yahoo-1d")
	require.True(t, isSync)
	require.Equal(t, market.SyncSchedule{Provider: "sim_yahoo", Interval: market.Interval1d}, parsed)
	for _, other := range []string{"sync-", "sync-binance", "sync--1m", "sync-binance-2m", "nightly-1m", "sync-a-b-1m"} {
		_, isSync := market.ParseSyncScheduleID(other)
		require.False(t, isSync, other)
	}
}

func mustTime(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := market.ParseTime(text)
	require.NoError(t, err)
	return parsed
}
