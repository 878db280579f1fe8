package all

import (
	"marketdata/providers"
	"marketdata/providers/binance"
	"marketdata/providers/coinbase"
	"marketdata/providers/yahoo"
)

// Adapters returns every adapter, by name.
func Adapters() []providers.Adapter {
	return []providers.Adapter{
		{Name: "binance", New: binance.New},
		{Name: "coinbase", New: coinbase.New},
		{Name: "yahoo", New: yahoo.New},
	}
}
