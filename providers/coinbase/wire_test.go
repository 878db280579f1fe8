package coinbase_test

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

// requireCandles compares bars with what a general JSON reader finds in the body, text for text.
func requireCandles(t *testing.T, body []byte, bars []market.Bar) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var rows [][]json.Number
	require.NoError(t, decoder.Decode(&rows))
	require.Len(t, bars, len(rows))
	for i, row := range rows {
		b := bars[i]
		require.Equal(t, time.UTC, b.Time.Location())
		require.Equal(t, row[0].String(), fmt.Sprint(b.Time.Unix()))
		for column, got := range map[int]market.Decimal{1: b.Low, 2: b.High, 3: b.Open, 4: b.Close, 5: b.Volume} {
			want, err := market.ParseDecimal(row[column].String())
			require.NoError(t, err)
			require.Equal(t, want, got, "row %d column %d", i, column)
		}
		require.Nil(t, b.Trades, "Coinbase sends none")
		require.False(t, b.VWAP.IsSet() || b.Turnover.IsSet(), "Coinbase sends none")
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	body := fixture(t, "candles_1m.json")
	rows := normalize(t, body)
	require.Empty(t, rows.Quarantined)
	require.False(t, rows.LaterWins)
	require.Len(t, rows.Bars, 5)
	requireCandles(t, body, rows.Bars)
	first, third := rows.Bars[0], rows.Bars[2]
	require.Equal(t, time.Date(2024, 1, 1, 0, 7, 0, 0, time.UTC), first.Time, "the order is the provider's")
	require.Equal(t, []string{"42340.5", "42353.11", "42314.02", "42331.9", "4.51804216"},
		[]string{first.Open.String(), first.High.String(), first.Low.String(), first.Close.String(), first.Volume.String()})
	require.Equal(t, "42000", third.Low.String())
	require.Equal(t, "0.00000001", third.Volume.String())

	require.Empty(t, normalize(t, []byte(" [] ")).Bars)
}

func TestNormalizeRecorded(t *testing.T) {
	t.Parallel()
	body := recording(t, "candles_1m_range_4.json")
	rows := normalize(t, body)
	require.Empty(t, rows.Quarantined)
	require.Len(t, rows.Bars, 4)
	requireCandles(t, body, rows.Bars)
	require.Equal(t, "115733.6", rows.Bars[0].Open.String())

	require.Equal(t, providers.Rows{Bars: []market.Bar{}}, normalize(t, recording(t, "candles_empty.json")))
}

func TestNormalizeQuarantines(t *testing.T) {
	t.Parallel()
	body := fixture(t, "candles_broken.json")
	rows := normalize(t, body)
	require.Len(t, rows.Bars, 1, "the one good row")
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	lines = lines[2 : len(lines)-1] // without the brackets and the good row
	require.Len(t, rows.Quarantined, len(lines))
	const firstWithoutTime = 11
	rules := map[int]market.Rule{8: market.RuleLowAbovePrices, 9: market.RuleHighBelowPrices, 10: market.RuleNegativeVolume}
	for i, q := range rows.Quarantined {
		want, isListed := rules[i]
		if !isListed {
			want = market.RuleUnreadable
		}
		require.Equal(t, want, q.Rule, lines[i])
		require.Equal(t, strings.TrimSuffix(lines[i], ","), q.Value)
		require.Equal(t, i >= firstWithoutTime, q.Time.IsZero(), lines[i])
	}
	require.Equal(t, time.Date(2024, 1, 1, 0, 19, 0, 0, time.UTC), rows.Quarantined[0].Time)
}

func TestNormalizeKeepsAPartOfALongRow(t *testing.T) {
	t.Parallel()
	rows := normalize(t, []byte(`[["`+strings.Repeat("é", 4000)+`"]]`))
	require.Len(t, rows.Quarantined, 1)
	require.LessOrEqual(t, len(rows.Quarantined[0].Value), 4096)
}

func TestNormalizeRefusesOtherBodies(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil, "")
	for body, text := range map[string]string{
		"":                        "candles of 0 bytes are not complete JSON",
		"{}":                      "candles of 2 bytes are an object, not an array",
		"null":                    "candles of 4 bytes are null, not an array",
		"17":                      "candles of 2 bytes are a number, not an array",
		"[1]":                     "candles[0] is a number, not an array",
		"[[],[],true]":            "candles[2] is a boolean, not an array",
		`[[],{"a":1}]`:            "candles[1] is an object, not an array",
		`["[]"]`:                  "candles[0] is a string, not an array",
		"[null]":                  "candles[0] is null, not an array",
		"[[1,2]":                  "are not complete JSON",
		"[[1,2]]]":                "are not complete JSON",
		"[[01]]":                  "are not complete JSON",
		"[[NaN]]":                 "are not complete JSON",
		"nul":                     "are not complete JSON",
		"Too many requests":       "are not complete JSON",
		" <html><b>no</b></html>": "HTML of 23 bytes where candles are due",
		`{"message":"NotFound"}`:  "a message where candles are due: NotFound",
		`{"message":["a"]}`:       "are an object",
	} {
		_, err := c.Normalize(providers.Page{Body: []byte(body)})
		require.Equal(t, market.KindMalformed, market.KindOf(err), body)
		require.ErrorContains(t, err, text)
	}
}

func TestNormalizeToleratesBlanks(t *testing.T) {
	t.Parallel()
	var spaced bytes.Buffer
	compact := fixture(t, "candles_1m.json")
	require.NoError(t, json.Indent(&spaced, compact, "\r\n", "\t"))
	require.Equal(t, normalize(t, compact), normalize(t, append([]byte(" \n"), spaced.Bytes()...)))
}

func TestInstruments(t *testing.T) {
	t.Parallel()
	a := &providertest.Canned{Status: 200, Body: fixture(t, "products.json")}
	got, err := newClient(t, a, "").Instruments(t.Context())
	require.NoError(t, err)
	require.Equal(t, []providers.Listing{
		{Symbol: "BTC-USD", AssetClass: market.AssetCrypto, Currency: "USD", Name: "BTC/USD"},
		{Symbol: "ETH-BTC", AssetClass: market.AssetCrypto, Currency: "BTC", Name: "ETH/BTC"},
	}, got)
	require.Equal(t, "https://api.exchange.coinbase.com/products", a.Request.URL.String())
}

func TestInstrumentsNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const good = `{"id":"A-B","base_currency":"A","quote_currency":"B","status":"online","trading_disabled":false}`
	for _, tc := range []struct{ name, old, text, want string }{
		{"a product", good, `[]`, "[1] is an array, not an object"},
		{"no product", good, `null`, "[1] is null, not an object"},
		{"missing id", `"id"`, `"ID"`, "[1].id is missing"},
		{"empty id", `"A-B"`, `""`, "[1].id is empty"},
		{"retyped base", `"base_currency":"A"`, `"base_currency":17`, "[1].base_currency is a number"},
		{"missing quote", `"quote_currency"`, `"quote"`, "[1].quote_currency is missing"},
		{"null quote", `"B"`, `null`, "[1].quote_currency is null"},
		{"retyped status", `"online"`, `{"name":"online"}`, "[1].status is an object"},
		{"missing trading_disabled", `"trading_disabled"`, `"is_trading_disabled"`, "[1].trading_disabled is missing"},
		{"retyped trading_disabled", `false`, `"false"`, "[1].trading_disabled is a string"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body := "[" + good + "," + strings.Replace(good, tc.old, tc.text, 1) + "]"
			got, err := newClient(t, &providertest.Canned{Status: 200, Body: []byte(body)}, "").Instruments(t.Context())
			require.Equal(t, market.KindMalformed, market.KindOf(err), "%v", err)
			require.ErrorContains(t, err, tc.want)
			require.Empty(t, got)
		})
	}
	for _, body := range []string{"", "{}", "<html>", `{"message":"NotFound"}`, "[" + good, "null"} {
		_, err := newClient(t, &providertest.Canned{Status: 200, Body: []byte(body)}, "").Instruments(t.Context())
		require.Equal(t, market.KindMalformed, market.KindOf(err), body)
	}
}

func TestInstrumentsRecorded(t *testing.T) {
	t.Parallel()
	body := recording(t, "products_717.json")
	got, err := newClient(t, &providertest.Canned{Status: 200, Body: body}, "").Instruments(t.Context())
	require.NoError(t, err)
	var products []struct {
		ID              string `json:"id"`
		Status          string `json:"status"`
		TradingDisabled bool   `json:"trading_disabled"`
	}
	require.NoError(t, json.Unmarshal(body, &products))
	var want, symbols []string
	for _, p := range products {
		if p.Status == "online" && !p.TradingDisabled {
			want = append(want, p.ID)
		}
	}
	for _, l := range got {
		symbols = append(symbols, l.Symbol)
	}
	require.Len(t, products, 717)
	require.Equal(t, want, symbols)
	require.Contains(t, got, providers.Listing{Symbol: "BTC-USD", AssetClass: market.AssetCrypto, Currency: "USD", Name: "BTC/USD"})
}
