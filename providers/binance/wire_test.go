package binance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
)

// requireKlines compares bars with what a general JSON reader finds in the body, text for text.
func requireKlines(t *testing.T, body []byte, perSecond int64, bars []market.Bar) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var rows [][]any
	require.NoError(t, decoder.Decode(&rows))
	require.Len(t, bars, len(rows))
	for i, row := range rows {
		b := bars[i]
		require.Equal(t, time.UTC, b.Time.Location())
		perTick := int64(time.Second) / perSecond
		require.Equal(t, fmt.Sprint(row[0]), fmt.Sprint(b.Time.UnixNano()/perTick))
		for column, got := range map[int]market.Decimal{1: b.Open, 2: b.High, 3: b.Low, 4: b.Close, 5: b.Volume, 7: b.Turnover} {
			want, err := market.ParseDecimal(fmt.Sprint(row[column]))
			require.NoError(t, err)
			require.Equal(t, want, got, "row %d column %d", i, column)
		}
		require.Equal(t, fmt.Sprint(row[8]), fmt.Sprint(*b.Trades))
		require.False(t, b.VWAP.IsSet(), "Binance sends none")
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		file      string
		perSecond int64
	}{{"klines_1m.json", 1e3}, {"klines_1m_microseconds.json", 1e6}} {
		body := fixture(t, tc.file)
		rows := normalize(t, body)
		require.Empty(t, rows.Quarantined)
		require.False(t, rows.LaterWins)
		require.Len(t, rows.Bars, 6)
		requireKlines(t, body, tc.perSecond, rows.Bars)
		require.Equal(t, time.Date(2020, 1, 1, 0, 5, 0, 0, time.UTC), rows.Bars[5].Time)
	}
	require.Equal(t, "7195.24", normalize(t, fixture(t, "klines_1m.json")).Bars[0].Open.String())
}

func TestNormalizeRecorded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		file string
		rows int
	}{
		{"klines_1m_1h_window_60.json", 60},
		{"klines_1m_start_equals_end_1row.json", 1},
		{"klines_5m_no_range_limit24.json", 24},
		{"klines_empty.json", 0},
	} {
		t.Run(tc.file, func(t *testing.T) {
			t.Parallel()
			body := recording(t, tc.file)
			rows := normalize(t, body)
			require.Empty(t, rows.Quarantined)
			require.Len(t, rows.Bars, tc.rows)
			requireKlines(t, body, 1e3, rows.Bars)
		})
	}
}

func TestRefusalsRecorded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		file   string
		status int
		kind   market.Kind
	}{
		{"error_418_ip_banned.json", 418, market.KindRateLimited},
		{"error_429_weight.json", 429, market.KindRateLimited},
		{"error_451_restricted_location.json", 451, market.KindDenied},
		{"error_invalid_symbol.json", 400, market.KindNotFound},
	} {
		t.Run(tc.file, func(t *testing.T) {
			t.Parallel()
			a := &providertest.Canned{Status: tc.status, Body: recording(t, tc.file)}
			_, _, err := newClient(t, a, "").Listing(t.Context(), "X", "")
			require.Equal(t, tc.kind, market.KindOf(err), "%v", err)
		})
	}
}

func TestInstrumentsRecorded(t *testing.T) {
	t.Parallel()
	a := &providertest.Canned{Status: 200, Body: recording(t, "exchange_info_25_symbols.json")}
	got, err := newClient(t, a, "").Instruments(t.Context())
	require.NoError(t, err)
	require.Len(t, got, 12, "the others are in status BREAK")
	require.Contains(t, got, providers.Listing{Symbol: "BTCUSDT", AssetClass: market.AssetCrypto, Currency: "USDT", Name: "BTC/USDT"})
}

func TestNormalizeQuarantines(t *testing.T) {
	t.Parallel()
	body := fixture(t, "klines_1m_broken.json")
	rows := normalize(t, body)
	require.Len(t, rows.Bars, 1, "the one good row")
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	lines = lines[2 : len(lines)-1] // without the brackets and the good row
	require.Len(t, rows.Quarantined, len(lines))
	noTime := map[int]bool{10: true, 11: true, 17: true, 20: true}
	rules := map[int]market.Rule{
		3: market.RuleHighBelowPrices, 4: market.RuleLowAbovePrices, 5: market.RuleNegativeVolume, 6: market.RuleNegativeTrades,
	}
	for i, q := range rows.Quarantined {
		want, isListed := rules[i]
		if !isListed {
			want = market.RuleUnreadable
		}
		require.Equal(t, want, q.Rule, lines[i])
		require.Equal(t, strings.TrimSuffix(lines[i], ","), q.Value)
		require.Equal(t, noTime[i], q.Time.IsZero(), lines[i])
	}
	require.Equal(t, time.Date(2020, 1, 1, 0, 1, 0, 0, time.UTC), rows.Quarantined[0].Time)
}

func TestNormalizeKeepsAPartOfALongRow(t *testing.T) {
	t.Parallel()
	rows := normalize(t, []byte(`[["`+strings.Repeat("é", 4000)+`"]]`))
	require.Len(t, rows.Quarantined, 1)
	require.LessOrEqual(t, len(rows.Quarantined[0].Value), 4096)
	require.Equal(t, strings.ToValidUTF8(rows.Quarantined[0].Value, ""), rows.Quarantined[0].Value)
}

func TestNormalizeRefusesOtherBodies(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil, "")
	for _, body := range []string{"", "{}", "[1]", "[[],1]", `[{"a":1}]`, "[[1,2]", "[[1,2]]]", "[[01]]", "nul", `{"code":-1003,"msg":""}`} {
		_, err := c.Normalize(providers.Page{Body: []byte(body)})
		require.Equal(t, market.KindMalformed, market.KindOf(err), body)
	}
	_, err := c.Normalize(providers.Page{Body: []byte("[[],1]")})
	require.ErrorContains(t, err, "klines[1] is not an array")
}

func TestNormalizeToleratesBlanks(t *testing.T) {
	t.Parallel()
	var spaced bytes.Buffer
	compact := fixture(t, "klines_1m.json")
	require.NoError(t, json.Indent(&spaced, compact, "\r\n", "\t"))
	require.Equal(t, normalize(t, compact), normalize(t, append([]byte(" \n"), spaced.Bytes()...)))
}
