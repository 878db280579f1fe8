package simulator

import "math"

// mix is the finaliser of SplitMix64: every bit of the input moves every bit of the output.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit maps bits to [0, 1).
func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }

// noise is one span of time's share of the logarithm of a price: a line between values hashed from their positions.
type noise struct {
	layer  uint64
	span   int64 // minutes
	height float64

	start int64 // of the span that a and b are the ends of
	a, b  float64
}

// walker knows the prices of a symbol at the beginning of minutes. Asked for one minute after the other, it hashes the
// ends of a span once.
type walker struct {
	seed   uint64
	base   float64 // logarithm of the price in ticks around which it moves
	noises [6]noise
}

func newWalker(seed uint64, base float64) *walker {
	w := &walker{seed: seed, base: base, noises: [6]noise{
		{layer: 1, span: 300 * 1440, height: 1.6},
		{layer: 2, span: 31 * 1440, height: 0.5},
		{layer: 3, span: 1440, height: 0.08},
		{layer: 4, span: 97, height: 0.012},
		{layer: 5, span: 7, height: 0.004},
		{layer: 6, span: 1, height: 0.0012},
	}}
	for i := range w.noises {
		w.noises[i].start = math.MinInt64 / 2 // no span begins there
	}
	return w
}

// at is the price in ticks at the beginning of a minute since the epoch.
func (w *walker) at(minute int64) int64 {
	log := w.base
	for i := range w.noises {
		n := &w.noises[i]
		rest := minute - n.start
		if rest < 0 || rest >= n.span {
			at := minute / n.span
			n.start = at * n.span
			rest = minute - n.start
			n.a = unit(mix(w.seed ^ n.layer<<56 ^ uint64(at))) //nolint:gosec // minutes are not negative
			n.b = n.a                                          // a span of one minute has no way to go
			if n.span > 1 {
				n.b = unit(mix(w.seed ^ n.layer<<56 ^ uint64(at+1))) //nolint:gosec // minutes are not negative
			}
		}
		share := float64(rest) / float64(n.span)
		log += n.height * (n.a + (n.b-n.a)*share - 0.5)
	}
	return max(1, int64(math.Exp(log)))
}
