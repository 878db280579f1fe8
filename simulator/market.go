package simulator

import (
	"math"
	"sync"
	"time"

	"marketdata/market"
)

// synthetic is a symbol whose every bar follows from the seed. It is safe for concurrent use.
type synthetic struct {
	symbolInfo
	seed uint64
	base float64

	mu   sync.Mutex
	days map[int64]ohlcv // aggregates of whole days, by day number; they never change
}

var _ source = (*synthetic)(nil)

// ohlcv is a bar in smallest units. It has trades unless nothing traded: then its prices are the last close.
type ohlcv struct{ open, high, low, close, volume, turnover, trades int64 }

func newSynthetic(seed int64, info symbolInfo) *synthetic {
	s := &synthetic{symbolInfo: info, seed: mix(uint64(seed)), days: map[int64]ohlcv{}} //nolint:gosec // any bits will do
	for _, letter := range info.symbol {
		s.seed = mix(s.seed ^ uint64(letter)) //nolint:gosec // runes are not negative
	}
	s.base = math.Log(info.around * math.Pow10(info.priceDecimals))
	return s
}

// prices walks along the prices of the symbol, for one goroutine.
func (s *synthetic) prices() *walker { return newWalker(s.seed, s.base) }

func (s *synthetic) info() symbolInfo { return s.symbolInfo }

// run is a stretch of minutes since the epoch in which the market trades without a pause. A bar within it opens where
// the one before closed; between runs prices jump.
type run struct{ from, to int64 }

// cut leaves what of the run is in [from, to).
func (r run) cut(from, to int64) run { return run{max(r.from, from), min(r.to, to)} }

// bar is the one-minute bar of a minute; open is what the bar before closed with, next the price after it.
func (s *synthetic) bar(minute, open int64, prices *walker) ohlcv {
	bits := s.bits(minute)
	if s.isTradeless(bits) {
		return ohlcv{open: open, high: open, low: open, close: open}
	}
	b := ohlcv{open: open, close: prices.at(minute + 1)}
	wick := uint64(1 + open/4000)                             //nolint:gosec // prices are positive
	b.high = max(b.open, b.close) + int64(bits>>10%wick)      //nolint:gosec // below wick
	b.low = max(1, min(b.open, b.close)-int64(bits>>30%wick)) //nolint:gosec // below wick
	b.trades = 1 + int64(bits>>40%500)
	if s.lot > 0 {
		b.volume = b.trades * (1 + int64(mix(bits)%uint64(s.lot))) //nolint:gosec // small
	}
	if s.speaks(formatBinance) {
		b.turnover = s.turnover((b.open+b.close)/2, b.volume)
	}
	return b
}

// forming is a bar within its minute at now (epoch ms): it has half the volume that it will close with. Where a bar
// needs a trade to be, the first comes some time after the minute begins.
func (s *synthetic) forming(minute int64, b ohlcv, now int64) ohlcv {
	firstTrade := minute*60_000 + int64(s.bits(minute)>>50)
	if now < firstTrade && !s.speaks(formatBinance) {
		return ohlcv{open: b.open, high: b.open, low: b.open, close: b.open}
	}
	b.volume, b.turnover, b.trades = b.volume/2, b.turnover/2, (b.trades+1)/2
	return b
}

// bits are what is random about a minute, besides its prices.
func (s *synthetic) bits(minute int64) uint64 {
	return mix(s.seed ^ 7<<56 ^ uint64(minute)) //nolint:gosec // minutes are not negative
}

func (s *synthetic) isTradeless(bits uint64) bool { return bits%1000 < s.tradelessPerMille }

// lastClose is the close of the last minute with a trade before a minute of the run; at its very start its first price.
func (s *synthetic) lastClose(minute int64, in run, prices *walker) int64 {
	for minute > in.from && s.isTradeless(s.bits(minute-1)) {
		minute--
	}
	return prices.at(minute)
}

// turnover is price times volume, in millionths of the quote currency.
func (s *synthetic) turnover(ticks, volume int64) int64 {
	return int64(float64(ticks) / math.Pow10(s.priceDecimals) * float64(volume) / 1e8 * 1e6)
}

// merge is the bar of two that follow each other; one in which nothing traded does not count.
func (b ohlcv) merge(next ohlcv) ohlcv {
	switch {
	case next.trades == 0:
		return b
	case b.trades == 0:
		return next
	}
	return ohlcv{
		open: b.open, close: next.close, high: max(b.high, next.high), low: min(b.low, next.low),
		volume: b.volume + next.volume, turnover: b.turnover + next.turnover, trades: b.trades + next.trades,
	}
}

// span aggregates the minutes of part, which is a part of a run and not empty; at now (epoch ms) the last may still be
// forming.
func (s *synthetic) span(part, in run, now int64, prices *walker) ohlcv {
	open := s.lastClose(part.from, in, prices)
	all := ohlcv{open: open, high: open, low: open, close: open}
	for minute := part.from; minute < part.to; minute++ {
		b := s.bar(minute, open, prices)
		if (minute+1)*60_000 > now {
			b = s.forming(minute, b, now)
		}
		open = b.close
		all = all.merge(b)
	}
	return all
}

// remembered is the aggregate of a day that has ended, made once.
func (s *synthetic) remembered(day int64, make func() ohlcv) ohlcv {
	s.mu.Lock()
	b, isKnown := s.days[day]
	s.mu.Unlock()
	if isKnown {
		return b
	}
	b = make()
	s.mu.Lock()
	s.days[day] = b
	s.mu.Unlock()
	return b
}

func (s *synthetic) bars(interval market.Interval, w window) ([]wireRow, error) {
	prices := s.prices()
	if s.calendar.IsContinuous() {
		return s.continuous(interval, w, prices), nil
	}
	return s.sessions(interval, w, prices), nil
}

// wireRow writes the numbers of a bar; their texts share one string.
func (s *synthetic) write(at time.Time, b ohlcv, scratch *[]byte) wireRow {
	text := (*scratch)[:0]
	var ends [6]int
	isPadded := s.speaks(formatBinance)
	for i, n := range [4]int64{b.open, b.high, b.low, b.close} {
		text = appendDecimal(text, n, s.priceDecimals)
		for decimals := s.priceDecimals; isPadded && decimals < maxPriceDecimals; decimals++ {
			text = append(text, '0')
		}
		if !isPadded && s.priceDecimals > 0 {
			text = trimZeros(text)
		}
		ends[i] = len(text)
	}
	text = appendDecimal(text, b.volume, s.volumeDecimals)
	if !isPadded && s.volumeDecimals > 0 {
		text = trimZeros(text)
	}
	ends[4] = len(text)
	text = append(appendDecimal(text, b.turnover, turnoverDecimals), '0', '0')
	ends[5] = len(text)
	*scratch = text
	all := string(text)
	return wireRow{
		open: at.UnixMilli(), o: all[:ends[0]], h: all[ends[0]:ends[1]], l: all[ends[1]:ends[2]], c: all[ends[2]:ends[3]],
		volume: all[ends[3]:ends[4]], turnover: all[ends[4]:ends[5]], trades: b.trades, isTradeless: b.trades == 0,
	}
}
