package simulator

import (
	"strconv"
	"time"

	"marketdata/market"
)

// kline is one row of a provider's answer, its numbers as text. raw, where set, is sent in place of the whole row.
type kline struct {
	open                         int64 // epoch ms
	o, h, l, c, volume, turnover string
	trades                       int64
	raw                          string
}

// units are how many of the smallest part make one: prices have their symbol's decimals, volumes and turnovers eight.
const (
	volumeDecimals   = 8
	turnoverDecimals = 6
	maxPriceDecimals = 8
)

// appendDecimal writes n smallest units as a number with the decimals.
func appendDecimal(dst []byte, n int64, decimals int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	unit := int64(1)
	for range decimals {
		unit *= 10
	}
	dst = strconv.AppendInt(dst, n/unit, 10)
	if decimals == 0 {
		return dst
	}
	dst = append(dst, '.')
	for rest := n % unit; unit > 1; {
		unit /= 10
		dst = append(dst, byte('0'+rest/unit))
		rest %= unit
	}
	return dst
}

// appendKline writes the row as Binance does: twelve elements.
func appendKline(dst []byte, k kline, close int64) []byte {
	if k.raw != "" {
		return append(dst, k.raw...)
	}
	dst = append(dst, '[')
	dst = strconv.AppendInt(dst, k.open, 10)
	for _, text := range [5]string{k.o, k.h, k.l, k.c, k.volume} {
		dst = append(dst, ',', '"')
		dst = append(append(dst, text...), '"')
	}
	dst = strconv.AppendInt(append(dst, ','), close, 10)
	dst = append(append(append(dst, ',', '"'), k.turnover...), '"', ',')
	dst = strconv.AppendInt(dst, k.trades, 10)
	return append(dst, `,"0","0","0"]`...)
}

// firstOpen returns the first open time at or after from, for a UTC calendar step.
func firstOpen(interval market.Interval, from int64) time.Time {
	at := time.UnixMilli(from).UTC()
	if floor := interval.Floor(at); floor.Equal(at) {
		return floor
	}
	return interval.Next(at)
}
