package yahoo_test

import (
	"testing"

	"marketdata/providers/providertest"
	"marketdata/providers/yahoo"
)

// TestConformance tries stocks on three continents and a pair that never closes.
func TestConformance(t *testing.T) {
	t.Parallel()
	for symbol, calendar := range map[string]string{
		"AAPL": "XNAS", "VOD.L": "XLON", "7203.T": "XTKS", "BHP.AX": "XASX", "^GSPC": "XNYS", "BTC-USD": "24x7",
	} {
		t.Run(symbol, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, providertest.Subject{New: yahoo.New, Symbol: symbol, Calendar: calendar, ListsNothing: true})
		})
	}
}
