// Package providertest is the conformance suite of providers: what the platform relies on, tried against any adapter
// over a real HTTP server that is programmed to answer well and badly.
//
//	func TestConformance(t *testing.T) {
//		providertest.Run(t, providertest.Harness{New: …, Symbol: "BTCUSDT", Serve: …, Encode: …, UnknownSymbol: …})
//	}
//
// An adapter brings a Harness, which says how its provider answers; the suite brings the rules. It belongs to tests and
// is imported by no other code.
package providertest
