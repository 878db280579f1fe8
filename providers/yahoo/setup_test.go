package yahoo_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
	"marketdata/providers/yahoo"
)

func now() time.Time { return time.Date(2024, 3, 5, 12, 0, 30, 0, time.UTC) }

// weekdays is the calendar of an exchange without holidays.
type weekdays struct {
	zone        *time.Location
	open, close time.Duration // since local midnight
}

func (w weekdays) Name() string             { return "weekdays" }
func (w weekdays) Location() *time.Location { return w.zone }
func (w weekdays) IsContinuous() bool       { return false }

func (w weekdays) Session(date time.Time) (market.Session, bool) {
	day := market.Interval1d.Floor(date)
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		return market.Session{}, false
	}
	at := func(d time.Duration) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day(), int(d/time.Hour), int(d%time.Hour/time.Minute), 0, 0, w.zone).UTC()
	}
	return market.Session{Date: day, Open: at(w.open), Close: at(w.close)}, true
}

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	location, err := time.LoadLocation(name)
	require.NoError(tb, err)
	return location
}

// newYork returns a grid on the hours of New York.
func newYork(tb testing.TB, interval market.Interval) market.Grid {
	tb.Helper()
	hours := weekdays{zone: zone(tb, "America/New_York"), open: 9*time.Hour + 30*time.Minute, close: 16 * time.Hour}
	return market.Grid{Interval: interval, Calendar: hours}
}

func always(interval market.Interval) market.Grid {
	return market.Grid{Interval: interval, Calendar: market.Calendar247{}}
}

func newClient(tb testing.TB, transport http.RoundTripper, baseURL string) *yahoo.Client {
	tb.Helper()
	client := providers.NewClient(providers.ClientOptions{Version: "test", Now: now, Transport: transport})
	p, err := yahoo.New(providers.Instance{Name: "sim_yahoo", BaseURL: baseURL}, client)
	require.NoError(tb, err)
	c, ok := p.(*yahoo.Client)
	require.True(tb, ok)
	return c
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	return providertest.Fixture(tb, name)
}

// recording reads an answer of the provider as it was recorded.
func recording(tb testing.TB, name string) []byte {
	tb.Helper()
	return providertest.Recording(tb, "yahoo", name)
}

func normalize(tb testing.TB, body []byte, grid market.Grid) providers.Rows {
	tb.Helper()
	rows, err := newClient(tb, nil, "").Normalize(providers.Page{Body: body, Request: providers.Request{Grid: grid}})
	require.NoError(tb, err)
	return rows
}

// naive is a chart as a general JSON reader finds it.
type naive struct {
	Timestamp []json.Number `json:"timestamp"`
	quote
}

type quote struct{ Open, High, Low, Close, Volume []json.Number }

func readNaively(tb testing.TB, body []byte) naive {
	tb.Helper()
	var answer struct {
		Chart struct {
			Result []struct {
				naive
				Indicators struct{ Quote []quote }
			}
		}
	}
	require.NoError(tb, json.Unmarshal(body, &answer))
	require.Len(tb, answer.Chart.Result, 1)
	result := answer.Chart.Result[0]
	require.Len(tb, result.Indicators.Quote, 1)
	return naive{result.Timestamp, result.Indicators.Quote[0]}
}

// requireBars compares bars with the rows of the body, all of which are good.
func requireBars(tb testing.TB, body []byte, bars []market.Bar) {
	tb.Helper()
	want := readNaively(tb, body)
	require.Len(tb, bars, len(want.Timestamp))
	for i, b := range bars {
		require.Equal(tb, time.UTC, b.Time.Location())
		require.Equal(tb, shortest(tb, want.Open[i]), b.Open.String(), "row %d", i)
		require.Equal(tb, shortest(tb, want.High[i]), b.High.String(), "row %d", i)
		require.Equal(tb, shortest(tb, want.Low[i]), b.Low.String(), "row %d", i)
		require.Equal(tb, shortest(tb, want.Close[i]), b.Close.String(), "row %d", i)
		require.Equal(tb, want.Volume[i].String(), b.Volume.String(), "row %d", i)
		require.False(tb, b.VWAP.IsSet() || b.Turnover.IsSet() || b.Trades != nil, "Yahoo sends none")
	}
}

// shortest returns the fewest digits that read back as the same float32.
func shortest(tb testing.TB, number json.Number) string {
	tb.Helper()
	double, err := number.Float64()
	require.NoError(tb, err)
	require.InDelta(tb, double, float64(float32(double)), 0, "prices are recorded as widened float32")
	for digits := 0; ; digits++ {
		text := strconv.FormatFloat(double, 'f', digits, 64)
		if back, err := strconv.ParseFloat(text, 32); err == nil && float32(back) == float32(double) {
			return text
		}
	}
}

// dates returns the days of bars, as in 2006-01-02, and requires them to be at 00:00 UTC.
func dates(tb testing.TB, bars []market.Bar) []string {
	tb.Helper()
	days := make([]string, len(bars))
	for i, b := range bars {
		require.Equal(tb, market.Interval1d.Floor(b.Time), b.Time)
		days[i] = b.Time.Format(time.DateOnly)
	}
	return days
}

// weekdaysBetween returns the weekdays of both dates and between them, but for the holidays.
func weekdaysBetween(first, last time.Time, holidays ...string) []string {
	var days []string
	for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
		text := day.Format(time.DateOnly)
		isHoliday := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		for _, holiday := range holidays {
			isHoliday = isHoliday || text == holiday
		}
		if !isHoliday {
			days = append(days, text)
		}
	}
	return days
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// epoch returns the seconds of a date as text.
func epoch(tb testing.TB, date string) string {
	tb.Helper()
	at, err := time.Parse(time.DateOnly, date)
	require.NoError(tb, err)
	return strconv.FormatInt(at.Unix(), 10)
}
