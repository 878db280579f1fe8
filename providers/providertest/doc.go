// Package providertest is the conformance suite of providers: what the platform relies on, tried on any adapter against
// the simulator, which speaks the adapter's wire format over a market whose every bar is known, and misbehaves on request.
//
//	func TestConformance(t *testing.T) {
//		providertest.Run(t, providertest.Subject{New: binance.New, Symbol: "BTCUSDT", Calendar: "24x7"})
//	}
//
// A new adapter brings a Subject and, where the simulator does not speak its format yet, that. The suite belongs to tests
// and is imported by no other code.
package providertest
