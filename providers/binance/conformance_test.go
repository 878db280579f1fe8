package binance_test

import (
	"testing"

	"marketdata/providers/binance"
	"marketdata/providers/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Subject{New: binance.New, Symbol: "BTCUSDT", Calendar: "24x7"})
}
