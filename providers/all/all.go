package all

import (
	"marketdata/providers"
	"marketdata/providers/binance"
)

// Adapters returns every adapter, by name.
func Adapters() []providers.Adapter {
	return []providers.Adapter{
		{Name: "binance", New: binance.New},
	}
}
