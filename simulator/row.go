package simulator

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"
)

// wireRow is one row of a provider's answer, its numbers as text.
type wireRow struct {
	open                         int64 // the bar's key, epoch ms
	o, h, l, c, volume, turnover string
	trades                       int64

	isTradeless bool   // nothing traded: the prices are the last close
	stamp       int64  // the time that Yahoo tells, epoch s
	malformed   string // the rule that it breaks, see malformations
}

// units are how many of the smallest part make one: prices have their symbol's decimals, turnovers six.
const (
	maxVolumeDecimals = 8
	turnoverDecimals  = 6
	maxPriceDecimals  = 8
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
		dst = append(dst, byte('0'+rest/unit)) //nolint:gosec // a digit
		rest %= unit
	}
	return dst
}

// trimZeros drops the zeros at the end of a number with a point.
func trimZeros(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimRight(text, "0"), []byte{'.'})
}

// merge is the row of two that follow each other, by the first one's time.
func merge(a, b wireRow) wireRow {
	switch {
	case b.isTradeless:
		return a
	case a.isTradeless:
		b.open = a.open
		return b
	}
	number := func(text string) decimal.Decimal { return decimal.RequireFromString(text) } // checked when read, or made
	if number(b.h).GreaterThan(number(a.h)) {
		a.h = b.h
	}
	if number(b.l).LessThan(number(a.l)) {
		a.l = b.l
	}
	a.c = b.c
	a.volume = number(a.volume).Add(number(b.volume)).String()
	a.turnover = number(a.turnover).Add(number(b.turnover)).String()
	a.trades += b.trades
	return a
}

// appendKline writes the row as Binance does: twelve elements.
func appendKline(dst []byte, k wireRow, close int64) []byte {
	switch k.malformed {
	case malformedShort:
		return fmt.Appendf(dst, `[%d,"%s","%s"]`, k.open, k.o, k.h)
	case malformedLong:
		return fmt.Appendf(dst, `[%d,"%s","%s","%s","%s","%s",%d,"%s",%d,"0","0","0","0"]`, k.open, k.o, k.h, k.l, k.c, k.volume, k.open, k.turnover, k.trades)
	case malformedType:
		return fmt.Appendf(dst, `[%d,{"open":"%s"},null,true,[],"%s",%d,"%s",%d,"0","0","0"]`, k.open, k.o, k.volume, k.open, k.turnover, k.trades)
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
