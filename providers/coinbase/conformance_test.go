package coinbase_test

import (
	"testing"

	"marketdata/providers/coinbase"
	"marketdata/providers/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Subject{New: coinbase.New, Symbol: "BTC-USD", Calendar: "24x7"})
}
