package simulator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// malformations are the kinds of rows that break a rule.
func malformations() []string {
	return []string{"high_below_low", "negative_volume", "nan", "long_number", "short_row", "long_row", "wrong_type"}
}

// concerns reports whether the rule would change the rows.
func (f Fault) concerns(rows []kline) bool {
	switch f.Fault {
	case "out_of_window":
		return true
	case "gap", "revise":
		return slices.ContainsFunc(rows, f.strikes)
	}
	return len(rows) > 0 && slices.Contains(rowKinds(), f.Fault)
}

func (f Fault) bend(rows []kline) []kline {
	n := min(max(f.Rows, 1), len(rows))
	switch f.Fault {
	case "duplicates":
		return append(rows, rows[:n]...)
	case "conflicting_duplicates":
		for _, row := range rows[:n] {
			row.volume = "0.12345678"
			rows = append(rows, row)
		}
	case "unsorted":
		slices.Reverse(rows)
		if len(rows) > 2 {
			rows[0], rows[len(rows)/2] = rows[len(rows)/2], rows[0]
		}
	case "truncate":
		return rows[:min(f.Rows, len(rows))]
	case "gap":
		return slices.DeleteFunc(rows, f.strikes)
	case "revise":
		for i := range rows {
			if f.strikes(rows[i]) {
				rows[i] = f.revise(rows[i])
			}
		}
	case "malformed_rows":
		for i := range n {
			kind := f.Kind
			if kind == "" {
				kind = malformations()[i%len(malformations())]
			}
			rows[i*len(rows)/n] = malform(rows[i*len(rows)/n], kind)
		}
	}
	return rows
}

// strikes reports whether the row opens in [start, end); an absent bound does not bound.
func (f Fault) strikes(k kline) bool {
	at := time.UnixMilli(k.open)
	return !at.Before(f.Start) && (f.End.IsZero() || at.Before(f.End))
}

// revise multiplies the prices and the volume by the factor.
func (f Fault) revise(k kline) kline {
	factor := f.factor()
	for _, text := range []*string{&k.o, &k.h, &k.l, &k.c, &k.volume} {
		if d, err := decimal.NewFromString(*text); err == nil {
			*text = d.Mul(factor).String()
		}
	}
	return k
}

func (f Fault) factor() decimal.Decimal {
	factor, err := decimal.NewFromString(f.Factor.String())
	if err != nil { // absent, for it was checked
		return decimal.NewFromInt(2)
	}
	return factor
}

func malform(k kline, kind string) kline {
	switch kind {
	case "high_below_low":
		k.h, k.l = "1.0", "2.0"
	case "negative_volume":
		k.volume = "-1.0"
	case "nan":
		k.c = "NaN"
	case "long_number":
		k.o = strings.Repeat("9", 400)
	case "short_row":
		k.raw = fmt.Sprintf(`[%d,"%s","%s"]`, k.open, k.o, k.h)
	case "long_row":
		k.raw = fmt.Sprintf(`[%d,"%s","%s","%s","%s","%s",%d,"%s",%d,"0","0","0","0"]`, k.open, k.o, k.h, k.l, k.c, k.volume, k.open, k.turnover, k.trades)
	case "wrong_type":
		k.raw = fmt.Sprintf(`[%d,{"open":"%s"},null,true,[],"%s",%d,"%s",%d,"0","0","0"]`, k.open, k.o, k.volume, k.open, k.turnover, k.trades)
	}
	return k
}
