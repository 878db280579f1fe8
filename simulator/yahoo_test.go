package simulator_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestChartStamps(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for _, tc := range []struct {
		name, symbol, interval string
		start, end             string
		want                   []string
	}{
		{"sessions of New York in summer", "AAPL", "1d", "2024-06-07", "2024-06-11", []string{"2024-06-07T13:30:00", "2024-06-10T13:30:00"}},
		{"the clocks change in New York", "AAPL", "1d", "2024-03-08", "2024-03-12", []string{"2024-03-08T14:30:00", "2024-03-11T13:30:00"}},
		{"both bounds are inclusive", "AAPL", "1d", "2024-06-07T13:30:00Z", "2024-06-10T13:30:00Z", []string{"2024-06-07T13:30:00", "2024-06-10T13:30:00"}},
		{"one second short on both sides", "AAPL", "1d", "2024-06-06T13:30:01Z", "2024-06-10T13:29:59Z", []string{"2024-06-07T13:30:00"}},
		{"London", "VOD.L", "1d", "2024-03-28", "2024-04-03", []string{"2024-03-28T08:00:00", "2024-04-02T07:00:00"}},
		{"Sydney, before the UTC day", "BHP.AX", "1d", "2024-03-04T12:00:00Z", "2024-03-05T12:00:00Z", []string{"2024-03-04T23:00:00"}},
		{"currencies at midnight of London", "EURUSD=X", "1d", "2024-03-30", "2024-04-01", []string{"2024-03-30T00:00:00", "2024-03-31T00:00:00", "2024-03-31T23:00:00"}},
		{"crypto at midnight UTC", "BTC-USD", "1d", "2024-03-30", "2024-04-01", []string{"2024-03-30T00:00:00", "2024-03-31T00:00:00", "2024-04-01T00:00:00"}},
		{"weeks at midnight of Monday", "AAPL", "1wk", "2024-03-01", "2024-03-20", []string{"2024-03-04T05:00:00", "2024-03-11T04:00:00", "2024-03-18T04:00:00"}},
		{"months at midnight of the first", "7203.T", "1mo", "2024-02-15", "2024-04-15", []string{"2024-02-29T15:00:00", "2024-03-31T15:00:00"}},
		{"hours from the open, the last one short", "AAPL", "1h", "2024-06-07", "2024-06-08", []string{
			"2024-06-07T13:30:00", "2024-06-07T14:30:00", "2024-06-07T15:30:00", "2024-06-07T16:30:00", "2024-06-07T17:30:00", "2024-06-07T18:30:00", "2024-06-07T19:30:00",
		}},
		{"after the break from its end", "0700.HK", "60m", "2024-06-07", "2024-06-08", []string{
			"2024-06-07T01:30:00", "2024-06-07T02:30:00", "2024-06-07T03:30:00", "2024-06-07T05:00:00", "2024-06-07T06:00:00", "2024-06-07T07:00:00",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := chartOf(t, s, "%s?interval=%s&period1=%d&period2=%d", tc.symbol, tc.interval, unix(t, tc.start), unix(t, tc.end))
			require.Equal(t, tc.want, c.stamps())
		})
	}
}

func TestChartLiveRows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, now, target string
		want              []string // the last stamps
	}{
		{"minutes, within the session", "2024-06-12T14:30:30Z", "AAPL?interval=1m&range=1d", []string{"2024-06-12T14:29:00", "2024-06-12T14:30:00", "2024-06-12T14:30:30"}},
		{"on the minute there is one row", "2024-06-12T14:30:00Z", "AAPL?interval=1m&range=1d", []string{"2024-06-12T14:29:00", "2024-06-12T14:30:00"}},
		{"hours, within the session", "2024-06-12T14:30:30Z", "AAPL?interval=1h&range=1d", []string{"2024-06-12T13:30:00", "2024-06-12T14:30:00", "2024-06-12T14:30:30"}},
		{"the day itself has the time", "2024-06-12T14:30:30Z", "AAPL?interval=1d&range=5d", []string{"2024-06-11T13:30:00", "2024-06-12T14:30:30"}},
		{"the week has one more row", "2024-06-12T14:30:30Z", "AAPL?interval=1wk&range=1mo", []string{"2024-06-03T04:00:00", "2024-06-10T04:00:00", "2024-06-12T14:30:30"}},
		{"the month has one more row", "2024-06-12T14:30:30Z", "AAPL?interval=1mo&range=1y", []string{"2024-06-01T04:00:00", "2024-06-12T14:30:30"}},
		{"after the close, minutes", "2024-06-12T22:00:00Z", "AAPL?interval=1m&range=1d", []string{"2024-06-12T19:59:00", "2024-06-12T20:00:00"}},
		{"after the close, days", "2024-06-12T22:00:00Z", "AAPL?interval=1d&range=5d", []string{"2024-06-11T13:30:00", "2024-06-12T13:30:00"}},
		{"after the close, weeks", "2024-06-12T22:00:00Z", "AAPL?interval=1wk&range=1mo", []string{"2024-06-10T04:00:00"}},
		{"the next morning", "2024-06-13T09:00:00Z", "AAPL?interval=1m&range=1d", []string{"2024-06-12T19:58:00", "2024-06-12T19:59:00"}},
		{"in the break the last trade of the morning", "2024-06-12T04:30:00Z", "0700.HK?interval=1d&range=5d", []string{"2024-06-12T04:00:00"}},
		{"in the break no minute is live", "2024-06-12T04:30:00Z", "0700.HK?interval=1m&range=1d", []string{"2024-06-12T03:59:00"}},
		{"what never closes is always live", "2024-06-15T14:30:30Z", "BTC-USD?interval=1d&range=5d", []string{"2024-06-14T00:00:00", "2024-06-15T14:30:30"}},
		{"Sydney, a day ahead of UTC", "2024-03-04T23:30:30Z", "BHP.AX?interval=1d&range=5d", []string{"2024-03-03T23:00:00", "2024-03-04T23:30:30"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := chartOf(t, simulatorAt(t, tc.now), "%s", tc.target).stamps()
			require.Subset(t, got, tc.want)
			require.Equal(t, tc.want, got[len(got)-len(tc.want):])
		})
	}
}

func TestFormingDayIsNotTheDay(t *testing.T) {
	t.Parallel()
	ask := func(now string) chart {
		return chartOf(t, simulatorAt(t, now), "AAPL?interval=1d&period1=%d&period2=%d", unix(t, "2024-06-12"), unix(t, "2024-06-13"))
	}
	forming, closed := ask("2024-06-12T14:30:30Z"), ask("2024-06-12T20:00:00Z")
	require.Len(t, forming.Timestamp, 1)
	require.Len(t, closed.Timestamp, 1)
	require.NotEqual(t, forming.quote().Volume, closed.quote().Volume)
	require.Equal(t, forming.quote().Open, closed.quote().Open)
	require.Empty(t, ask("2024-06-12T13:29:59Z").Timestamp, "nothing before the open")
}

func TestChartRefusals(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for _, tc := range []struct {
		target   string
		status   int
		contains string
	}{
		{"NOPE", 404, `{"chart":{"error":{"code":"Not Found","description":"No data found, symbol may be delisted"},"result":null}}`},
		{"BTCUSDT", 404, "Not Found"}, // of Binance
		{"AAPL?interval=1d&period1=0&period2=86400", 400, "Data doesn't exist for startDate = 0, endDate = 86400"},
		{"AAPL?interval=1d&period1=-86400&period2=0", 400, "Data doesn't exist for startDate = -86400, endDate = 0"},
		{"AAPL?interval=1d&period1=20&period2=10", 400, "start date cannot be after end date"},
		{"AAPL?interval=1d&period1=x&period2=10", 400, "period1"},
		{"AAPL?interval=1m&period1=1717200000&period2=1717977600", 422, "Only 8 days worth of 1m granularity data are allowed to be fetched per request."},
		{"AAPL?interval=1m&range=1mo", 422, "Only 8 days"},
		{"AAPL?interval=7m", 422, "interval=7m is not supported"},
		{"AAPL?interval=1d&range=7d", 422, "range=7d is not supported"},
	} {
		w := browse(t, s, "/v8/finance/chart/"+tc.target)
		require.Equal(t, tc.status, w.Code, tc.target)
		require.Contains(t, w.Body.String(), tc.contains)
	}
	for _, agent := range []string{"", "curl/8.5.0", "Go-http-client/1.1"} {
		w := askAs(t, s, agent, "/v8/finance/chart/AAPL")
		require.Equal(t, http.StatusTooManyRequests, w.Code)
		require.Equal(t, "Edge: Too Many Requests", w.Body.String())
	}
}

func TestChartWithoutRows(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	saturday := unix(t, "2024-06-08T12:00:00Z")
	body := browse(t, s, fmt.Sprintf("/v8/finance/chart/AAPL?interval=1m&period1=%d&period2=%d", saturday, saturday+3600)).Body.String()
	require.Contains(t, body, `"indicators":{"quote":[{}]}`)
	require.NotContains(t, body, "timestamp")
	require.Contains(t, body, `"error":null`)
	body = browse(t, s, fmt.Sprintf("/v8/finance/chart/AAPL?interval=1d&period1=%d&period2=%d", saturday, saturday+3600)).Body.String()
	require.Contains(t, body, `"quote":[{}],"adjclose":[{}]`)
}

func TestChartMeta(t *testing.T) {
	t.Parallel()
	s := simulatorAt(t, "2024-01-17T15:00:00Z")
	const window = "?interval=1d&period1=1704067200&period2=1705363200"
	for _, tc := range []struct {
		symbol, currency, exchange, kind, zone, short string
		offset                                        int
	}{
		{"AAPL", "USD", "NMS", "EQUITY", "America/New_York", "EST", -18000},
		{"SPY", "USD", "PCX", "ETF", "America/New_York", "EST", -18000},
		{"%5EGSPC", "USD", "SNP", "INDEX", "America/New_York", "EST", -18000},
		{"%5EIXIC", "USD", "NIM", "INDEX", "America/New_York", "EST", -18000},
		{"VOD.L", "GBp", "LSE", "EQUITY", "Europe/London", "GMT", 0},
		{"SAP.DE", "EUR", "GER", "EQUITY", "Europe/Berlin", "CET", 3600},
		{"MC.PA", "EUR", "PAR", "EQUITY", "Europe/Paris", "CET", 3600},
		{"7203.T", "JPY", "JPX", "EQUITY", "Asia/Tokyo", "JST", 32400},
		{"0700.HK", "HKD", "HKG", "EQUITY", "Asia/Hong_Kong", "HKT", 28800},
		{"BHP.AX", "AUD", "ASX", "EQUITY", "Australia/Sydney", "AEDT", 39600},
		{"EURUSD=X", "USD", "CCY", "CURRENCY", "Europe/London", "GMT", 0},
		{"BTC-USD", "USD", "CCC", "CRYPTOCURRENCY", "UTC", "UTC", 0},
	} {
		m := chartOf(t, s, "%s", tc.symbol+window).Meta
		require.Equal(t, []any{tc.currency, tc.exchange, tc.kind, tc.zone, tc.short, float64(tc.offset)},
			[]any{m["currency"], m["exchangeName"], m["instrumentType"], m["exchangeTimezoneName"], m["timezone"], m["gmtoffset"]}, tc.symbol)
		for _, field := range []string{
			"symbol", "fullExchangeName", "firstTradeDate", "regularMarketTime", "hasPrePostMarketData", "regularMarketPrice", "chartPreviousClose",
			"priceHint", "currentTradingPeriod", "dataGranularity", "range", "validRanges",
		} {
			require.Contains(t, m, field, tc.symbol)
		}
		require.Equal(t, "1d", m["dataGranularity"])
		require.Empty(t, m["range"])
	}
	first := chartOf(t, s, "AAPL?interval=1d&range=max")
	require.InDelta(t, first.Meta["firstTradeDate"], first.Timestamp[0], 0)
	require.NotContains(t, first.Meta, "chartPreviousClose", "there is none")
	require.Equal(t, "max", first.Meta["range"])
	now := chartOf(t, s, "AAPL?interval=1m&range=1d").Meta
	require.InDelta(t, unix(t, "2024-01-17T15:00:00Z"), now["regularMarketTime"], 0)
	require.Contains(t, now, "previousClose")
}

func TestChartEvents(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	ask := func(events string) chart {
		return chartOf(t, s, "AAPL?interval=1d&events=%s&period1=%d&period2=%d", events, unix(t, "2012-01-01"), unix(t, "2024-06-01"))
	}
	c := ask("div,splits,capitalGains")
	ratios := map[string]string{}
	for key, split := range c.Events.Splits {
		require.Equal(t, key, strconv.FormatInt(split.Date, 10))
		ratios[time.Unix(split.Date, 0).UTC().Format(time.DateTime)] = split.SplitRatio
	}
	require.Equal(t, map[string]string{"2014-06-09 13:30:00": "7:1", "2020-08-31 13:30:00": "4:1"}, ratios)
	require.Len(t, c.Events.Dividends, 48, "every quarter from August 2012 to May 2024")
	for _, dividend := range c.Events.Dividends {
		require.Contains(t, c.Timestamp, dividend.Date, "on a session")
	}
	require.Len(t, ask("div|split").Events.Splits, 2)
	require.Empty(t, ask("splits").Events.Dividends)
	require.Empty(t, ask("").Events)

	closes, adjusted := c.quote().Close, c.Indicators.AdjClose[0].AdjClose
	require.Len(t, adjusted, len(closes))
	n := len(closes) - 1
	require.Equal(t, closes[n], adjusted[n], "no dividend since")
	ratio := func(i int) float64 {
		price, err := closes[i].Float64()
		require.NoError(t, err)
		less, err := adjusted[i].Float64()
		require.NoError(t, err)
		return less / price
	}
	require.Less(t, ratio(0), 0.99)
	for i := 1; i <= n; i++ {
		require.GreaterOrEqual(t, ratio(i), ratio(i-1)-1e-6)
	}
	monthly := chartOf(t, s, "AAPL?interval=1mo&period1=%d&period2=%d", unix(t, "2012-01-01"), unix(t, "2024-05-02"))
	require.Equal(t, closes[n], monthly.quote().Close[len(monthly.Timestamp)-1])
	require.Equal(t, adjusted[n], monthly.Indicators.AdjClose[0].AdjClose[len(monthly.Timestamp)-1])
}

func TestPricesAreWidenedFloats(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	widened := 0
	for _, symbol := range []string{"AAPL", "%5EIXIC", "VOD.L", "7203.T", "EURUSD=X", "BTC-USD"} {
		c := chartOf(t, s, "%s?interval=1d&period1=%d&period2=%d", symbol, unix(t, "2023-01-01"), unix(t, "2024-01-01"))
		for i, price := range c.quote().Close {
			f, err := price.Float64()
			require.NoError(t, err)
			require.InDelta(t, float64(float32(f)), f, 0)
			require.Equal(t, strconv.FormatFloat(f, 'f', -1, 64), price.String())
			if len(price.String()) > 10 {
				widened++
			}
			volume, err := c.quote().Volume[i].Int64()
			require.NoError(t, err, "volumes are whole")
			require.Equal(t, symbol == "EURUSD=X", volume == 0, symbol)
		}
	}
	require.Greater(t, widened, 1000)
}

func TestMinutesWithoutATradeAreNull(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	c := chartOf(t, s, "SAP.DE?interval=1m&period1=%d&period2=%d", unix(t, "2024-06-03"), unix(t, "2024-06-08"))
	require.Len(t, c.Timestamp, 5*510)
	nulls := 0
	for i := range c.Timestamp {
		q := c.quote()
		isNull := q.Open[i] == nil
		require.Equal(t, []bool{isNull, isNull, isNull, isNull}, []bool{q.High[i] == nil, q.Low[i] == nil, q.Close[i] == nil, q.Volume[i] == nil})
		if isNull {
			nulls++
		}
	}
	require.InDelta(t, 76, nulls, 40)
	require.Empty(t, c.Indicators.AdjClose, "intraday")
}
