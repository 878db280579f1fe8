package yahoo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
)

func TestListing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, file, old, replacement string
		want                         providers.Listing
	}{
		{
			"pence", "1d_london.json", "", "",
			providers.Listing{AssetClass: market.AssetEquity, Currency: "GBp", Name: "Example", ListedAt: instant(679558400)},
		},
		{
			"the first session", "1d_sydney.json", "680130800", "680137200",
			providers.Listing{AssetClass: market.AssetEquity, Currency: "AUD", Name: "Example", ListedAt: instant(680137200)},
		},
		{
			"before 1970", "1d_new_york.json", "678372200", "-1325583000",
			providers.Listing{AssetClass: market.AssetEquity, Currency: "USD", Name: "Example", ListedAt: instant(-1325583000)},
		},
		{"first trade null", "1d_null_live.json", "", "", providers.Listing{AssetClass: market.AssetETF, Currency: "USD", Name: "Example"}},
		{"first trade missing", "1d_null_live.json", `"firstTradeDate":null,`, "", providers.Listing{AssetClass: market.AssetETF, Currency: "USD", Name: "Example"}},
		{"short name", "1d_null_live.json", `"longName":"Example"`, `"longName":null`, providers.Listing{AssetClass: market.AssetETF, Currency: "USD", Name: "EXAMPLE"}},
		{"other class", "1d_null_live.json", `"ETF"`, `"OPTION"`, providers.Listing{Currency: "USD", Name: "Example"}},
		{"no class, no currency", "1d_null_live.json", `"instrumentType":"ETF"`, `"currency":null`, providers.Listing{Currency: "USD", Name: "Example"}},
		{"currencies", "1mo_london.json", "", "", providers.Listing{AssetClass: market.AssetFX, Currency: "XXX", Name: "EUR/XXX", ListedAt: instant(1070236800)}},
		{"futures", "1d_evening.json", "", "", providers.Listing{AssetClass: market.AssetFuture, Currency: "BRL", Name: "Example", ListedAt: instant(1641261600)}},
		{"no data", "no_data.json", "", "", providers.Listing{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body := string(fixture(t, tc.file))
			require.Contains(t, body, tc.old)
			a := &providertest.Canned{Status: 200, Body: []byte(strings.Replace(body, tc.old, tc.replacement, 1))}
			got, next, err := newClient(t, a, "").Listing(t.Context(), "^X", "")
			require.NoError(t, err)
			require.Empty(t, next)
			tc.want.Symbol = "^X"
			require.Equal(t, tc.want, got)
			require.Equal(t, "https://query2.finance.yahoo.com/v8/finance/chart/%5EX?interval=1d&range=1d", a.Request.URL.String())
			require.True(t, strings.HasPrefix(a.Request.UserAgent(), "Mozilla/5.0 "))
		})
	}
}

func TestListingFails(t *testing.T) {
	t.Parallel()
	body := string(fixture(t, "1d_new_york.json"))
	for _, tc := range []struct{ old, replacement, want string }{
		{"678372200", `"1991"`, "chart.result[0].meta.firstTradeDate is a string, want a number"},
		{"678372200", "1.5", "chart.result[0].meta.firstTradeDate is 1.5, want epoch seconds"},
		{"678372200", "1e300", "want epoch seconds"},
		{`"currency":"USD"`, `"currency":1`, "chart.result[0].meta.currency is a number, want a string"},
		{`"EQUITY"`, "[]", "chart.result[0].meta.instrumentType is an array, want a string"},
		{"America/New_York", "Nowhere", "no known time zone"},
		{body, "<html>", "HTML"},
	} {
		require.Contains(t, body, tc.old)
		a := &providertest.Canned{Status: 200, Body: []byte(strings.Replace(body, tc.old, tc.replacement, 1))}
		_, _, err := newClient(t, a, "").Listing(t.Context(), "X", "")
		require.Equal(t, market.KindMalformed, market.KindOf(err), "%s: %v", tc.replacement, err)
		require.ErrorContains(t, err, tc.want)
	}
	_, _, err := newClient(t, &providertest.Canned{Status: 404, Body: fixture(t, "not_found.json")}, "").Listing(t.Context(), "X", "")
	require.Equal(t, market.KindNotFound, market.KindOf(err))
	_, _, err = newClient(t, nil, "").Listing(t.Context(), "", "")
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}

func TestListingRecorded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		file  string
		class market.AssetClass
		name  string
		since time.Time
	}{
		{"gspc_meta_only.json", market.AssetIndex, "", instant(-1325583000)},
		{"chart_aapl_1d_one_bar.json", market.AssetEquity, "Apple Inc.", instant(345479400)},
		{"chart_btcusd_1d.json", market.AssetCrypto, "Bitcoin USD", instant(1410912000)},
		{"chart_eurusd_1d.json", market.AssetFX, "EUR/USD", instant(1070236800)},
		{"chart_wsu_de_1d.json", market.AssetEquity, "WashTec AG", instant(910598400)},
	} {
		got, _, err := newClient(t, &providertest.Canned{Status: 200, Body: recording(t, tc.file)}, "").Listing(t.Context(), "X", "")
		require.NoError(t, err)
		require.Equal(t, tc.class, got.AssetClass, tc.file)
		require.Equal(t, tc.name, got.Name)
		require.Equal(t, tc.since, got.ListedAt)
	}
}

// instant is a time that Yahoo stamps.
func instant(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
