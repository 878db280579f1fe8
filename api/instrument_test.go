package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

const instrumentBody = `{"symbol":"btcusdt","venue":"binance","asset_class":"crypto","currency":"USDT","name":"Bitcoin / Tether",
	"providers":[{"name":"binance","symbol":"BTCUSDT"},{"name":"backup","symbol":"XBT"}],"intervals":["1m","1d"]}`

func TestPostInstrument_StoresAndAsksForListings(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var stored market.Instrument
	w.store.PutInstrumentFunc = func(i market.Instrument) (market.Instrument, bool, error) {
		stored = i
		i.CreatedAt = at("2024-01-02T03:04:05Z")
		return i, true, nil
	}
	listed := at("2017-08-17")
	w.store.SeriesFunc = func(_ market.InstrumentID, _ market.Interval, provider string, _ market.Range) (market.Series, error) {
		if provider == "backup" {
			return market.Series{ListedAt: &listed}, nil
		}
		return market.Series{}, nil
	}
	var asked atomic.Value
	w.orchestrator.FindListingFunc = func(ctx context.Context, _ market.InstrumentID, p market.ProviderSymbol) error {
		_, isBounded := ctx.Deadline()
		require.True(t, isBounded)
		asked.Store(p)
		return market.Errorf(market.KindUnavailable, "temporal is down")
	}
	a := w.do(t, http.MethodPost, "/v1/instruments", instrumentBody)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	require.Equal(t, "/v1/instruments/BTCUSDT.BINANCE", a.header.Get("Location"))
	require.JSONEq(t, `{"id":"BTCUSDT.BINANCE","symbol":"BTCUSDT","venue":"BINANCE","asset_class":"crypto","currency":"USDT",
		"name":"Bitcoin / Tether","calendar":"24x7","providers":[{"name":"binance","symbol":"BTCUSDT"},{"name":"backup","symbol":"XBT"}],
		"intervals":["1m","1d"],"created_at":"2024-01-02T03:04:05Z"}`, a.body)
	require.Equal(t, "24x7", stored.Calendar)
	require.Equal(t, market.ProviderSymbol{Name: "binance", Symbol: "BTCUSDT"}, asked.Load(), "the other listing is known")
	require.Contains(t, w.log.String(), "listing not found")
}

func TestPostInstrument_Again(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.PutInstrumentFunc = func(market.Instrument) (market.Instrument, bool, error) { return btc(), false, nil }
	require.Equal(t, http.StatusOK, w.do(t, http.MethodPost, "/v1/instruments", instrumentBody).status)
	w.store.PutInstrumentFunc = func(market.Instrument) (market.Instrument, bool, error) {
		return market.Instrument{}, false, market.Errorf(market.KindConflict, "currency is USDT")
	}
	p := w.do(t, http.MethodPost, "/v1/instruments", instrumentBody).problem(t, http.StatusConflict, market.KindConflict)
	require.Equal(t, "currency is USDT", p.Detail)
}

// instrumentJSON returns instrumentBody's fields with one replaced; "" leaves it out.
func instrumentJSON(field, value string) string {
	fields := [][2]string{
		{"symbol", `"BTCUSDT"`},
		{"venue", `"BINANCE"`},
		{"asset_class", `"crypto"`},
		{"currency", `"USDT"`},
		{"providers", `[{"name":"binance","symbol":"BTCUSDT"}]`},
	}
	isKnown := false
	var parts []string
	for _, f := range fields {
		if f[0] == field {
			f[1], isKnown = value, true
		}
		if f[1] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", f[0], f[1]))
		}
	}
	if !isKnown && field != "" {
		parts = append(parts, fmt.Sprintf("%q:%s", field, value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestPostInstrument_BadBodies(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, location string }{
		{"no symbol", instrumentJSON("symbol", ""), "body"},
		{"symbol of a wrong type", instrumentJSON("symbol", "7"), "body.symbol"},
		{"symbol with a slash", instrumentJSON("symbol", `"A/B"`), "body.symbol"},
		{"symbol too long", instrumentJSON("symbol", `"`+strings.Repeat("A", 33)+`"`), "body.symbol"},
		{"symbol with a null byte", instrumentJSON("symbol", `"A\u0000"`), "body.symbol"},
		{"empty venue", instrumentJSON("venue", `""`), "body.venue"},
		{"unknown asset class", instrumentJSON("asset_class", `"bond"`), "body.asset_class"},
		{"currency with a sign", instrumentJSON("currency", `"US$"`), "body.currency"},
		{"currency too long", instrumentJSON("currency", `"ABCDEFGHIJKLM"`), "body.currency"},
		{"name with a null byte", instrumentJSON("name", `"a\u0000"`), "body.name"},
		{"name too long", instrumentJSON("name", `"`+strings.Repeat("a", 201)+`"`), "body.name"},
		{"unknown calendar", instrumentJSON("calendar", `"XMARS"`), "body.calendar"},
		{"no providers", instrumentJSON("providers", ""), "body"},
		{"empty providers", instrumentJSON("providers", "[]"), "body.providers"},
		{"null providers", instrumentJSON("providers", "null"), "body.providers"},
		{"providers of a wrong type", instrumentJSON("providers", `"binance"`), "body.providers"},
		{"unknown provider", instrumentJSON("providers", `[{"name":"acme","symbol":"A"}]`), "body.providers[0].name"},
		{"provider twice", instrumentJSON("providers", `[{"name":"binance","symbol":"A"},{"name":"binance","symbol":"B"}]`), "body.providers[1].name"},
		{"synthetic provider at a real venue", instrumentJSON("providers", `[{"name":"sim_binance","symbol":"A"}]`), "body.providers[0].name"},
		{"real provider at the simulated venue", instrumentJSON("venue", `"sim"`), "body.providers[0].name"},
		{"provider symbol with a blank", instrumentJSON("providers", `[{"name":"binance","symbol":"A B"}]`), "body.providers[0].symbol"},
		{"empty provider symbol", instrumentJSON("providers", `[{"name":"binance","symbol":""}]`), "body.providers[0].symbol"},
		{"unknown field of a provider", instrumentJSON("providers", `[{"name":"binance","symbol":"A","key":"x"}]`), "body.providers[0].key"},
		{"unknown interval", instrumentJSON("intervals", `["2m"]`), "body.intervals[0]"},
		{"interval twice", instrumentJSON("intervals", `["1m","1m"]`), "body.intervals"},
		{"interval no provider has", instrumentJSON("intervals", `["1m","1mo"]`), "body.intervals[1]"},
		{"unknown field", instrumentJSON("ticker", `"A"`), "body.ticker"},
		{"id", instrumentJSON("id", `"A.B"`), "body.id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.store.PutInstrumentFunc = func(market.Instrument) (market.Instrument, bool, error) { panic("stored") }
			p := w.do(t, http.MethodPost, "/v1/instruments", tt.body).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
			require.Equal(t, []string{tt.location}, p.locations())
		})
	}
}

func TestPostInstrument_TellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	p := newWorld().do(t, http.MethodPost, "/v1/instruments",
		`{"symbol":"A/B","venue":"INDEX","asset_class":"index","providers":[{"name":"acme","symbol":""},{"name":"sim_binance","symbol":"A"}],"x":1}`).
		problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	require.Equal(t, []string{
		"body", "body.calendar", "body.providers[0].name", "body.providers[0].symbol", "body.providers[1].name", "body.symbol", "body.x",
	}, p.locations())
	require.Contains(t, p.Detail, "and 6 more")
}

func TestInstrumentIDs_WithTricks(t *testing.T) {
	t.Parallel()
	ids := map[string]string{
		"encoded slash": "A%2FB.C", "dot dot": "..", "encoded dot dot": "%2e%2e%2f%2e%2e", "null byte": "BTC%00USDT.BINANCE",
		"10 kB": strings.Repeat("A", 10_000) + ".B", "SQL": url.PathEscape("'; DROP TABLE bar;--"), "no venue": "BTCUSDT",
		"broken UTF-8": "%ff%fe.B", "percent": "%25.B", "only a dot": ".", "line break": "A%0AB.C",
	}
	for name, raw := range ids {
		for _, suffix := range []string{"", "/bars?interval=1d&start=2024-01-01", "/intervals/1d"} {
			t.Run(name+suffix, func(t *testing.T) {
				t.Parallel()
				method := http.MethodGet
				if strings.HasPrefix(suffix, "/intervals") {
					method = http.MethodDelete
				}
				a := newWorld().do(t, method, "/v1/instruments/"+raw+suffix, "")
				if a.status == http.StatusNotFound {
					a.problem(t, http.StatusNotFound, market.KindNotFound)
					return
				}
				p := a.problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
				require.Equal(t, []string{"path.id"}, p.locations())
			})
		}
	}
}

func TestGetInstrument_WithoutCase(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.InstrumentFunc = func(id market.InstrumentID) (market.Instrument, error) {
		require.Equal(t, "BTCUSDT.BINANCE", id.String())
		i := btc()
		i.Intervals, i.Providers = nil, nil
		return i, nil
	}
	a := w.get(t, "/v1/instruments/btcUSDT.binance")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, `"providers":[],"intervals":[]`)
}

func TestStopSync_AnswersNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.StopSyncFunc = func(id market.InstrumentID, interval market.Interval) error {
		require.Equal(t, "BTCUSDT.BINANCE", id.String())
		require.Equal(t, market.Interval1m, interval)
		return nil
	}
	a := w.do(t, http.MethodDelete, "/v1/instruments/BTCUSDT.BINANCE/intervals/1m", "")
	require.Equal(t, http.StatusNoContent, a.status)
	require.Empty(t, a.body)
	p := w.do(t, http.MethodDelete, "/v1/instruments/BTCUSDT.BINANCE/intervals/2m", "").problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	require.Equal(t, []string{"path.interval"}, p.locations())
}

func TestListInstruments_Pages(t *testing.T) {
	t.Parallel()
	w := newWorld()
	all := []string{"A.X", "B.X", "C.X", "D.X"}
	w.store.InstrumentsFunc = func(q market.InstrumentQuery) ([]market.Instrument, error) {
		require.Equal(t, "X", q.Venue)
		require.Equal(t, market.AssetCrypto, q.AssetClass)
		var found []market.Instrument
		for _, text := range all {
			if text > q.After && len(found) < q.Limit {
				found = append(found, market.Instrument{ID: id(text)})
			}
		}
		return found, nil
	}
	type page struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
		Meta struct {
			Returned int `json:"returned"`
		} `json:"meta"`
		NextCursor *string `json:"next_cursor"`
	}
	const query = "/v1/instruments?venue=x&asset_class=crypto&limit=2"
	first := decode[page](t, w.get(t, query), http.StatusOK)
	require.Equal(t, 2, first.Meta.Returned)
	require.NotNil(t, first.NextCursor)
	second := decode[page](t, w.get(t, query+"&cursor="+*first.NextCursor), http.StatusOK)
	require.Equal(t, "C.X", second.Data[0].ID)
	require.Nil(t, second.NextCursor, "the last page is full, and known to be the last")

	for _, path := range []string{
		"/v1/instruments?venue=y&limit=2&cursor=" + *first.NextCursor,
		"/v1/backfills?cursor=" + *first.NextCursor,
		"/v1/instruments?cursor=nonsense",
	} {
		p := w.get(t, path).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
		require.Equal(t, []string{"query.cursor"}, p.locations())
	}
}

func TestListInstruments_BadQueries(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"limit=0": "query.limit", "limit=-1": "query.limit", "limit=1001": "query.limit", "limit=ten": "query.limit",
		"asset_class=bond": "query.asset_class", "q=" + strings.Repeat("a", 65): "query.q",
	}
	for query, location := range tests {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			p := newWorld().get(t, "/v1/instruments?"+query).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
			require.Equal(t, []string{location}, p.locations())
		})
	}
}

func TestListInstruments_IsNeverNull(t *testing.T) {
	t.Parallel()
	a := newWorld().get(t, "/v1/instruments")
	require.Equal(t, http.StatusOK, a.status)
	require.JSONEq(t, `{"data":[],"meta":{"returned":0},"next_cursor":null}`, a.body)
	require.NotEmpty(t, a.header.Get("Content-Length"))
}

func TestInstruments_DryRun(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var checked []string
	w.store.CheckInstrumentFunc = func(i market.Instrument) (market.Instrument, bool, error) {
		checked = append(checked, i.ID.String())
		if i.ID.Symbol == "B" {
			return i, false, market.Errorf(market.KindConflict, "B.X is stored with currency EUR")
		}
		return i, true, nil
	}
	w.store.PutInstrumentFunc = func(market.Instrument) (market.Instrument, bool, error) {
		return market.Instrument{}, false, market.Errorf(market.KindInternal, "it was to be checked only")
	}
	w.orchestrator.FindListingFunc = func(context.Context, market.InstrumentID, market.ProviderSymbol) error {
		return market.Errorf(market.KindInternal, "no provider was to be asked")
	}
	body := func(symbol string) string {
		return `{"symbol":"` + symbol + `","venue":"x","asset_class":"crypto","currency":"USD","providers":[{"name":"binance","symbol":"A"}]}`
	}
	a := w.do(t, http.MethodPost, "/v1/instruments?dry_run=true", body("a"))
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Contains(t, a.body, `"id":"A.X"`)
	w.do(t, http.MethodPost, "/v1/instruments?dry_run=true", body("b")).problem(t, http.StatusConflict, market.KindConflict)
	w.do(t, http.MethodPost, "/v1/instruments?dry_run=true", `{"symbol":"a"}`).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	require.Equal(t, []string{"A.X", "B.X"}, checked)
	for _, flag := range []string{"?dry_run", "?dry_run=", "?dry_run=yes"} {
		w.do(t, http.MethodPost, "/v1/instruments"+flag, body("a")).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	}
}

func TestInstruments_ListingIsNotAskedForWhereTheCallerSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld()
	asked := 0
	w.store.SeriesFunc = func(market.InstrumentID, market.Interval, string, market.Range) (market.Series, error) {
		return market.Series{}, nil
	}
	w.orchestrator.FindListingFunc = func(context.Context, market.InstrumentID, market.ProviderSymbol) error {
		asked++
		return nil
	}
	body := `{"symbol":"A","venue":"X","asset_class":"crypto","currency":"GBp","providers":[{"name":"binance","symbol":"A"}]}`
	require.Equal(t, http.StatusCreated, w.do(t, http.MethodPost, "/v1/instruments?skip_listing=true", body).status)
	require.Zero(t, asked)
	require.Equal(t, http.StatusCreated, w.do(t, http.MethodPost, "/v1/instruments", body).status)
	require.Equal(t, 1, asked)
}

func TestInstruments_VenuesImplyCalendars(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for venue, want := range map[string]string{"XNAS": "XNAS", "ARCX": "XNYS", "XTKS": "XTKS"} {
		body := `{"symbol":"A","venue":"` + venue + `","asset_class":"equity","currency":"USD","providers":[{"name":"binance","symbol":"A"}]}`
		a := w.do(t, http.MethodPost, "/v1/instruments", body)
		require.Contains(t, a.body, `"calendar":"`+want+`"`)
	}
	p := w.do(t, http.MethodPost, "/v1/instruments", `{"symbol":"SPX","venue":"INDEX","asset_class":"index","currency":"USD","providers":[{"name":"binance","symbol":"A"}]}`).
		problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	require.Contains(t, p.Detail, "XNYS")
}
