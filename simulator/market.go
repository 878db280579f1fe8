package simulator

import (
	"math"
	"sync"
	"time"

	"marketdata/market"
)

// tradelessPerMille is how many of 1000 minutes see no trade; Binance sends a flat bar with volume 0 for them.
const tradelessPerMille = 4

// syntheticSymbols are the symbols of the synthetic market, with Binance's own listing times.
func syntheticSymbols() []symbolInfo {
	at := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, time.UTC) }
	return []symbolInfo{
		{symbol: "BTCUSDT", around: 40_000, base: "BTC", quote: "USDT", priceDecimals: 2, listedAt: at(2017, 8, 17, 4)},
		{symbol: "ETHUSDT", around: 2_500, base: "ETH", quote: "USDT", priceDecimals: 2, listedAt: at(2017, 8, 17, 4)},
		{symbol: "BNBUSDT", around: 400, base: "BNB", quote: "USDT", priceDecimals: 2, listedAt: at(2017, 11, 6, 3)},
		{symbol: "XRPUSDT", around: 0.6, base: "XRP", quote: "USDT", priceDecimals: 4, listedAt: at(2018, 5, 4, 8)},
		{symbol: "DOGEUSDT", around: 0.15, base: "DOGE", quote: "USDT", priceDecimals: 5, listedAt: at(2019, 7, 5, 12)},
		{symbol: "SOLUSDT", around: 100, base: "SOL", quote: "USDT", priceDecimals: 2, listedAt: at(2020, 8, 11, 6)},
		{symbol: "SHIBUSDT", around: 0.00002, base: "SHIB", quote: "USDT", priceDecimals: 8, listedAt: at(2021, 5, 10, 11)},
		{symbol: "ETHBTC", around: 0.06, base: "ETH", quote: "BTC", priceDecimals: 5, listedAt: at(2017, 7, 14, 4)},
	}
}

// synthetic is a symbol whose every bar follows from the seed: the logarithm of its price is a sum of noises over
// several spans of time, each interpolated between values hashed from their position.
type synthetic struct {
	symbolInfo
	seed uint64
	base float64 // logarithm of the price in ticks around which it moves

	mu   sync.Mutex
	days map[int64]ohlcv // aggregates of whole days, by day number; they never change
}

// ohlcv is a bar in smallest units.
type ohlcv struct{ open, high, low, close, volume, turnover, trades int64 }

func newSynthetic(seed int64, info symbolInfo) *synthetic {
	s := &synthetic{symbolInfo: info, seed: mix(uint64(seed)), days: map[int64]ohlcv{}} //nolint:gosec // any bits will do
	for _, letter := range info.symbol {
		s.seed = mix(s.seed ^ uint64(letter)) //nolint:gosec // runes are not negative
	}
	s.base = math.Log(info.around * math.Pow10(info.priceDecimals))
	return s
}

func (s *synthetic) info() symbolInfo { return s.symbolInfo }

// mix is the finaliser of SplitMix64: every bit of the input moves every bit of the output.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit maps bits to [0, 1).
func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }

// noise is one span's share of the logarithm of the price.
func (s *synthetic) noise(layer uint64, minute, span int64, height float64) float64 {
	at, rest := minute/span, minute%span
	a := unit(mix(s.seed ^ layer<<56 ^ uint64(at)))   //nolint:gosec // minutes are not negative
	b := unit(mix(s.seed ^ layer<<56 ^ uint64(at+1))) //nolint:gosec // minutes are not negative
	share := float64(rest) / float64(span)
	return height * (a + (b-a)*share - 0.5)
}

// price is the price in ticks at the beginning of a minute since the epoch.
func (s *synthetic) price(minute int64) int64 {
	log := s.base + s.noise(1, minute, 300*1440, 1.6) + s.noise(2, minute, 31*1440, 0.5) + s.noise(3, minute, 1440, 0.08) +
		s.noise(4, minute, 97, 0.012) + s.noise(5, minute, 7, 0.004) + s.noise(6, minute, 1, 0.0012)
	return max(1, int64(math.Exp(log)))
}

// bar is the one-minute bar of a minute; open is what the bar before closed with.
func (s *synthetic) bar(minute, open int64) ohlcv {
	bits := s.bits(minute)
	if isTradeless(bits) {
		return ohlcv{open: open, high: open, low: open, close: open}
	}
	b := ohlcv{open: open, close: s.price(minute + 1)}
	wick := uint64(1 + open/4000)                             //nolint:gosec // prices are positive
	b.high = max(b.open, b.close) + int64(bits>>10%wick)      //nolint:gosec // below wick
	b.low = max(1, min(b.open, b.close)-int64(bits>>30%wick)) //nolint:gosec // below wick
	b.trades = 1 + int64(bits>>40%500)                        //nolint:gosec // below 501
	b.volume = b.trades * (1 + int64(mix(bits)%9_000_000))    //nolint:gosec // small
	b.turnover = s.turnover((b.open+b.close)/2, b.volume)
	return b
}

// forming is a bar within its minute: it has half the volume that it will close with.
func (b ohlcv) forming() ohlcv {
	b.volume, b.turnover, b.trades = b.volume/2, b.turnover/2, (b.trades+1)/2
	return b
}

// bits are what is random about a minute, besides its prices.
func (s *synthetic) bits(minute int64) uint64 {
	return mix(s.seed ^ 7<<56 ^ uint64(minute)) //nolint:gosec // minutes are not negative
}

func isTradeless(bits uint64) bool { return bits%1000 < tradelessPerMille }

// lastClose is the close of the last minute with a trade before a minute; at the very start its first price.
func (s *synthetic) lastClose(minute int64) int64 {
	for minute > s.firstMinute() && isTradeless(s.bits(minute-1)) {
		minute--
	}
	return s.price(minute)
}

// turnover is price times volume, in millionths of the quote currency.
func (s *synthetic) turnover(ticks, volume int64) int64 {
	return int64(float64(ticks) / math.Pow10(s.priceDecimals) * float64(volume) / 1e8 * 1e6)
}

func (b ohlcv) merge(next ohlcv) ohlcv {
	return ohlcv{
		open: b.open, close: next.close, high: max(b.high, next.high), low: min(b.low, next.low),
		volume: b.volume + next.volume, turnover: b.turnover + next.turnover, trades: b.trades + next.trades,
	}
}

// span aggregates the one-minute bars of [from, to) minutes since the epoch, at least one; at now (epoch ms) the last
// may still be forming.
func (s *synthetic) span(from, to, now int64) ohlcv {
	var all ohlcv
	open := s.lastClose(from)
	for minute := from; minute < to; minute++ {
		b := s.bar(minute, open)
		open = b.close
		if (minute+1)*60_000 > now {
			b = b.forming()
		}
		if minute == from {
			all = b
			continue
		}
		all = all.merge(b)
	}
	return all
}

// day is the aggregate of a whole UTC day that has ended, remembered.
func (s *synthetic) day(number int64) ohlcv {
	s.mu.Lock()
	b, isKnown := s.days[number]
	s.mu.Unlock()
	if isKnown {
		return b
	}
	b = s.span(max(number*1440, s.firstMinute()), (number+1)*1440, math.MaxInt64)
	s.mu.Lock()
	s.days[number] = b
	s.mu.Unlock()
	return b
}

func (s *synthetic) firstMinute() int64 { return s.listedAt.Unix() / 60 }

// aggregate is the bar of [start, end): of its minutes up to now (epoch ms), the last of which may be forming.
func (s *synthetic) aggregate(interval market.Interval, start, end time.Time, now int64) ohlcv {
	from, to := max(start.Unix()/60, s.firstMinute()), min(end.Unix()/60, now/60_000+1)
	today := now / 60_000 / 1440
	if interval.IsIntraday() || from/1440 >= today {
		return s.span(from, to, now)
	}
	first, last := from/1440, min((to-1)/1440, today-1)
	all := s.day(first)
	for number := first + 1; number <= last; number++ {
		all = all.merge(s.day(number))
	}
	if rest := (last + 1) * 1440; rest < to {
		all = all.merge(s.span(rest, to, now))
	}
	return all
}

func (s *synthetic) klines(interval market.Interval, w window) ([]kline, error) {
	w.from = max(w.from, interval.Floor(s.listedAt).UnixMilli())
	if w.isLatest {
		at := interval.Floor(time.UnixMilli(w.to).UTC())
		for n := 1; n < w.limit && at.UnixMilli() > w.from; n++ {
			at = interval.Floor(at.Add(-1))
		}
		w.from = max(w.from, at.UnixMilli())
	}
	rows := make([]kline, 0, min(w.limit, 1000))
	var scratch []byte
	for at := firstOpen(interval, w.from); at.UnixMilli() <= min(w.to, w.now) && len(rows) < w.limit; {
		next := interval.Next(at)
		b := s.aggregate(interval, at, next, w.now)
		rows = append(rows, s.kline(at, b, &scratch))
		at = next
	}
	return rows, nil
}

// kline writes the numbers of a bar; their texts share one string.
func (s *synthetic) kline(at time.Time, b ohlcv, scratch *[]byte) kline {
	text := (*scratch)[:0]
	var ends [6]int
	for i, n := range [4]int64{b.open, b.high, b.low, b.close} {
		text = appendDecimal(text, n, s.priceDecimals)
		for decimals := s.priceDecimals; decimals < maxPriceDecimals; decimals++ {
			text = append(text, '0')
		}
		ends[i] = len(text)
	}
	text = appendDecimal(text, b.volume, volumeDecimals)
	ends[4] = len(text)
	text = append(appendDecimal(text, b.turnover, turnoverDecimals), '0', '0')
	ends[5] = len(text)
	*scratch = text
	all := string(text)
	return kline{
		open: at.UnixMilli(), o: all[:ends[0]], h: all[ends[0]:ends[1]], l: all[ends[1]:ends[2]], c: all[ends[2]:ends[3]],
		volume: all[ends[3]:ends[4]], turnover: all[ends[4]:ends[5]], trades: b.trades,
	}
}
