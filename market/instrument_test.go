package market_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestParseInstrumentID(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, symbol, venue string }{
		{"BTCUSDT.BINANCE", "BTCUSDT", "BINANCE"},
		{"btcusdt.binance", "BTCUSDT", "BINANCE"},
		{"AAPL.XNAS", "AAPL", "XNAS"},
		{"BRK.B.XNYS", "BRK.B", "XNYS"},
		{"^GSPC.INDEX", "^GSPC", "INDEX"},
		{"BTC-USD.COINBASE", "BTC-USD", "COINBASE"},
		{"1INCH_USDT.SIM", "1INCH_USDT", "SIM"},
		{"...X", "..", "X"},
		{strings.Repeat("A", 32) + "." + strings.Repeat("B", 16), strings.Repeat("A", 32), strings.Repeat("B", 16)},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			id, err := market.ParseInstrumentID(tt.text)
			require.NoError(t, err)
			require.Equal(t, market.InstrumentID{Symbol: tt.symbol, Venue: tt.venue}, id)
			require.Equal(t, strings.ToUpper(tt.text), id.String())
		})
	}
}

func TestParseInstrumentIDRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"nothing", ""},
		{"no venue", "BTCUSDT"},
		{"empty venue", "BTCUSDT."},
		{"empty symbol", ".BINANCE"},
		{"dot alone", "."},
		{"path", "../../etc/passwd"},
		{"slash", "BTC/USDT.BINANCE"},
		{"escaped slash", "BTC%2FUSDT.BINANCE"},
		{"blank", "BTC USDT.BINANCE"},
		{"null byte", "BTC\x00.BINANCE"},
		{"newline", "BTC.BINANCE\n"},
		{"SQL", "BTC'; DROP TABLE bar;--.X"},
		{"dash in the venue", "BTC.BIN-ANCE"},
		{"symbol of 33", strings.Repeat("A", 33) + ".X"},
		{"venue of 17", "A." + strings.Repeat("B", 17)},
		{"10 kB", strings.Repeat("A", 10_000) + ".X"},
		{"invalid UTF-8", "\xff\xfe.X"},
		{"dotless i, whose upper case is I", "BıTC.X"},
		{"long s, whose upper case is S", "BTCUſDT.X"},
		{"full-width letters", "ＢＴＣ.X"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id, err := market.ParseInstrumentID(tt.text)
			require.Equal(t, market.KindInvalid, market.KindOf(err))
			require.Less(t, len(err.Error()), 200, "messages stay short whatever was sent")
			require.Zero(t, id)
		})
	}
}

func TestErrorsClipWhatWasSent(t *testing.T) {
	t.Parallel()
	_, err := market.NewInstrumentID(strings.Repeat("é", 100), "X")
	require.ErrorContains(t, err, "…")
	require.NotContains(t, err.Error(), `\x`, "text is cut between letters")
}

func FuzzParseInstrumentID(f *testing.F) {
	for _, seed := range []string{"BTCUSDT.BINANCE", "brk.b.xnys", "^GSPC.INDEX", ".", "ı.X"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := market.ParseInstrumentID(text)
		if err != nil {
			require.Equal(t, market.KindInvalid, market.KindOf(err))
			return
		}
		require.Regexp(t, `^[A-Z0-9._^-]{1,32}\.[A-Z0-9]{1,16}$`, id.String())
		again, err := market.ParseInstrumentID(id.String())
		require.NoError(t, err)
		require.Equal(t, id, again)
	})
}

func TestParseAssetClass(t *testing.T) {
	t.Parallel()
	for _, want := range market.AssetClasses() {
		got, err := market.ParseAssetClass(string(want))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "Crypto", "stock", "bond"} {
		_, err := market.ParseAssetClass(text)
		require.Equal(t, market.KindInvalid, market.KindOf(err), "%q", text)
	}
}
