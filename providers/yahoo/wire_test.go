package yahoo_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

// TestDatesAcrossSummerTime has a week around each end of summer time.
func TestDatesAcrossSummerTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		file           string
		spring, autumn [2]time.Time
	}{
		{"1d_new_york.json", [2]time.Time{day(2023, 3, 9), day(2023, 3, 15)}, [2]time.Time{day(2023, 11, 2), day(2023, 11, 8)}},
		{"1d_london.json", [2]time.Time{day(2023, 3, 23), day(2023, 3, 29)}, [2]time.Time{day(2023, 10, 26), day(2023, 11, 1)}},
		{"1d_tokyo.json", [2]time.Time{day(2023, 3, 9), day(2023, 3, 15)}, [2]time.Time{day(2023, 11, 6), day(2023, 11, 10)}},
		{"1d_sydney.json", [2]time.Time{day(2023, 3, 30), day(2023, 4, 5)}, [2]time.Time{day(2023, 9, 28), day(2023, 10, 4)}},
	} {
		t.Run(tc.file, func(t *testing.T) {
			t.Parallel()
			body := fixture(t, tc.file)
			rows := normalize(t, body, newYork(t, market.Interval1d))
			require.Empty(t, rows.Quarantined)
			require.Empty(t, rows.Dropped)
			require.True(t, rows.LaterWins)
			requireBars(t, body, rows.Bars)
			want := append(weekdaysBetween(tc.spring[0], tc.spring[1]), weekdaysBetween(tc.autumn[0], tc.autumn[1])...)
			require.Equal(t, want, dates(t, rows.Bars))
		})
	}
}

func TestNormalizeRecorded(t *testing.T) {
	t.Parallel()
	autumn := weekdaysBetween(day(2020, 8, 31), day(2020, 11, 6), "2020-09-07")
	newYear := []string{"2020-01-01", "2020-01-02", "2020-01-03"}
	for _, tc := range []struct {
		file string
		grid market.Grid
		want []string
	}{
		{"chart_aapl_1d_split_div_dst_2020.json", newYork(t, market.Interval1d), autumn},
		{"chart_aapl_1d_one_bar.json", newYork(t, market.Interval1d), []string{"2020-01-02"}},
		{"chart_aapl_1m_weekend_empty.json", newYork(t, market.Interval1m), []string{}},
		{"chart_azt_ol_1d.json", newYork(t, market.Interval1d), []string{"2020-01-02"}},
		{"chart_btcusd_1d.json", always(market.Interval1d), newYear},
		{"chart_eurusd_1d.json", always(market.Interval1d), newYear},
		{"chart_wsu_de_1d.json", newYork(t, market.Interval1d), []string{"2023-08-04", "2023-08-07", "2023-08-08"}},
		{"fake_chart_tsla_1h_trading_periods.json", newYork(t, market.Interval1h), []string{}},
	} {
		t.Run(tc.file, func(t *testing.T) {
			t.Parallel()
			body := recording(t, tc.file)
			rows := normalize(t, body, tc.grid)
			require.Empty(t, rows.Quarantined)
			require.Empty(t, rows.Dropped)
			requireBars(t, body, rows.Bars)
			require.Equal(t, tc.want, dates(t, rows.Bars))
		})
	}
}

func TestNormalizeRecordedNullRow(t *testing.T) {
	t.Parallel()
	rows := normalize(t, recording(t, "constructed_chart_null_row.json"), newYork(t, market.Interval1d))
	require.Empty(t, rows.Quarantined)
	require.Equal(t, map[string]int{providers.DroppedNoTrade: 1}, rows.Dropped)
	require.Len(t, rows.Bars, 48)
}

func TestNormalizeRefusalsRecorded(t *testing.T) {
	t.Parallel()
	rows := normalize(t, recording(t, "error_400_no_data_for_window.json"), newYork(t, market.Interval1d))
	require.Empty(t, rows.Bars)
	_, err := newClient(t, nil, "").Normalize(providers.Page{Body: recording(t, "error_429_edge.txt")})
	require.Equal(t, market.KindMalformed, market.KindOf(err))
}

func TestNullsAndTheLiveRowOfADay(t *testing.T) {
	t.Parallel()
	rows := normalize(t, fixture(t, "1d_null_live.json"), newYork(t, market.Interval1d))
	require.Empty(t, rows.Quarantined)
	require.True(t, rows.LaterWins)
	require.Equal(t, map[string]int{providers.DroppedNoTrade: 2}, rows.Dropped)
	require.Equal(t, []string{"2024-01-08", "2024-01-10", "2024-01-12", "2024-01-12"}, dates(t, rows.Bars))
	require.False(t, rows.Bars[1].Volume.IsSet(), "a price without a volume")
	require.Equal(t, "35.25", rows.Bars[3].Close.String(), "the live row comes last")
	require.Equal(t, "99999", rows.Bars[3].Volume.String())
}

func TestTheLiveRowOfMinutes(t *testing.T) {
	t.Parallel()
	body := fixture(t, "1m_live.json")
	rows := normalize(t, body, newYork(t, market.Interval1m))
	require.Empty(t, rows.Quarantined)
	require.Equal(t, map[string]int{providers.DroppedNoTrade: 1, providers.DroppedLive: 1}, rows.Dropped)
	require.Len(t, rows.Bars, 4)
	open := time.Date(2024, 1, 12, 14, 30, 0, 0, time.UTC)
	for i, minute := range []int{0, 1, 3, 4} {
		require.Equal(t, open.Add(time.Duration(minute)*time.Minute), rows.Bars[i].Time)
	}

	aligned := strings.NewReplacer("1705070077", "1705070100") // the last price on the minute is a bar that forms
	rows = normalize(t, []byte(aligned.Replace(string(body))), newYork(t, market.Interval1m))
	require.Len(t, rows.Bars, 5)
	require.Equal(t, map[string]int{providers.DroppedNoTrade: 1}, rows.Dropped)
}

func TestWeeksAndMonths(t *testing.T) {
	t.Parallel()
	rows := normalize(t, fixture(t, "1wk_live.json"), newYork(t, market.Interval1w))
	require.Equal(t, []string{"2024-01-01", "2024-01-08", "2024-01-08"}, dates(t, rows.Bars), "the live row of Friday is of its week")
	require.False(t, rows.LaterWins, "neither part of a week is the week")

	body := fixture(t, "1mo_london.json")
	rows = normalize(t, body, always(market.Interval1mo))
	requireBars(t, body, rows.Bars)
	require.Equal(t, []string{"2023-03-01", "2023-04-01", "2023-10-01", "2023-11-01"}, dates(t, rows.Bars))
}

func TestEveningsBelongToTheNextDate(t *testing.T) {
	t.Parallel()
	rows := normalize(t, fixture(t, "1d_evening.json"), newYork(t, market.Interval1d))
	require.Equal(t, []string{"2022-01-03", "2022-01-04", "2022-01-05", "2022-01-05"}, dates(t, rows.Bars), "the live row stays on its date")
}

// chartOf returns a body of one daily row with the given elements.
func chartOf(open, high, low, closing, volume string) []byte {
	return []byte(`{"chart":{"result":[{"meta":{"exchangeTimezoneName":"America/New_York"},"timestamp":[1704724200],"indicators":{"quote":[{"open":[` +
		open + `],"high":[` + high + `],"low":[` + low + `],"close":[` + closing + `],"volume":[` + volume + `]}]}}],"error":null}}`)
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"34.45000076293945":    "34.45",     // a float32, widened
		"1.1220825910568237":   "1.1220826", // with all of its digits
		"7200.17431640625":     "7200.1743", // exactly a float32 in all the digits sent
		"34.25":                "34.25",     // exactly a float32 and short
		"34.45":                "34.45",     // no float32: as sent
		"3.14159265358979":     "3.14159265358979",
		"0.1234567890123456":   "0.1234567890123456",
		"100":                  "100",
		"1e-08":                "0.00000001", // no float32, with an exponent
		"9.99999993922529e-09": "0.00000001", // a float32, with an exponent
		"1.5e3":                "1500",
		"0":                    "0",
		"-0.0":                 "0",
		"-37.630001068115234":  "-37.63",
		"16777216":             "16777216",
		"137123456.5":          "137123456.5",
		"1e30":                 "1000000000000000000000000000000",
	} {
		rows := normalize(t, chartOf(sent, sent, sent, sent, "18565664997"), newYork(t, market.Interval1d))
		require.Len(t, rows.Bars, 1, sent)
		bar := rows.Bars[0]
		for _, price := range []market.Decimal{bar.Open, bar.High, bar.Low, bar.Close} {
			require.Equal(t, want, price.String(), sent)
		}
		require.Equal(t, "18565664997", bar.Volume.String(), "volumes are no float32")
	}
	for _, sent := range []string{"1e300", "1e-400", "1e400", `"34.45"`, "true", "[1]", "{}"} {
		rows := normalize(t, chartOf(sent, sent, sent, sent, "1"), newYork(t, market.Interval1d))
		require.Empty(t, rows.Bars, sent)
		require.Equal(t, []market.Quarantined{{
			Time: day(2024, 1, 8), Rule: market.RuleUnreadable,
			Value: `{"timestamp":1704724200,"open":` + sent + `,"high":` + sent + `,"low":` + sent + `,"close":` + sent + `,"volume":1}`,
		}}, rows.Quarantined, sent)
	}
}

func TestNormalizeQuarantines(t *testing.T) {
	t.Parallel()
	body := fixture(t, "1d_broken.json")
	rows := normalize(t, body, newYork(t, market.Interval1d))
	require.Len(t, rows.Bars, 1, "the one good row")
	require.Empty(t, rows.Dropped)
	u := market.RuleUnreadable
	rules := []market.Rule{
		u, u, u, u, u, u, u, market.RuleHighBelowPrices, market.RuleLowAbovePrices, market.RuleNegativeVolume, u, u, u, u, u,
	}
	require.Len(t, rows.Quarantined, len(rules))
	for i, q := range rows.Quarantined {
		require.Equal(t, rules[i], q.Rule, q.Value)
		require.Equal(t, i > 10, q.Time.IsZero(), "%d: %s", i, q.Value)
		require.True(t, json.Valid([]byte(q.Value)), q.Value)
	}
	require.Equal(t, day(2024, 2, 6), rows.Quarantined[0].Time)
	require.Contains(t, rows.Quarantined[0].Value, `"open":null`)
	require.Contains(t, rows.Quarantined[11].Value, `{"timestamp":null,`)
	require.Less(t, len(rows.Quarantined[10].Value), 400, "a long element is cut")
}

func TestNormalizeKeepsAPartOfALongRow(t *testing.T) {
	t.Parallel()
	long := `"` + strings.Repeat("é\\u0000", 4000) + "\xff\""
	rows := normalize(t, chartOf(long, long, long, "1", "\"\xff\""), newYork(t, market.Interval1d))
	require.Len(t, rows.Quarantined, 1)
	value := rows.Quarantined[0].Value
	require.LessOrEqual(t, len(value), 4096)
	require.True(t, json.Valid([]byte(value)), value)
	require.Equal(t, strings.ToValidUTF8(value, ""), value)
}

func TestNormalizeToleratesBlanks(t *testing.T) {
	t.Parallel()
	var spaced bytes.Buffer
	compact := fixture(t, "1d_london.json")
	require.NoError(t, json.Indent(&spaced, compact, "\r\n", "\t"))
	grid := newYork(t, market.Interval1d)
	require.Equal(t, normalize(t, compact, grid), normalize(t, append([]byte(" \n"), spaced.Bytes()...), grid))
}
