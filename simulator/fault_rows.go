package simulator

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// The kinds of rows that cannot be written as others are.
const (
	malformedShort = "short_row"
	malformedLong  = "long_row"
	malformedType  = "wrong_type"
)

// malformations are the kinds of rows that break a rule.
func malformations() []string {
	return []string{"high_below_low", "negative_volume", "nan", "long_number", malformedShort, malformedLong, malformedType, "misaligned"}
}

// concerns reports whether the rule would change the rows.
func (f Fault) concerns(rows []wireRow) bool {
	switch f.Fault {
	case "out_of_window":
		return true
	case "gap", "revise":
		return slices.ContainsFunc(rows, f.strikes)
	}
	return len(rows) > 0 && slices.Contains(rowKinds(), f.Fault)
}

// bend changes rows that stand in the order of the answer.
func (f Fault) bend(rows []wireRow, in format) []wireRow {
	n := min(max(f.Rows, 1), len(rows))
	switch f.Fault {
	case "duplicates":
		return append(rows, rows[:n]...)
	case "conflicting_duplicates":
		for _, i := range traded(rows, n) {
			row := rows[i]
			row.volume = "0.12345678"
			if in == formatYahoo {
				row.volume = "12345678"
			}
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
				rows[i] = f.revise(rows[i], in)
			}
		}
	case "malformed_rows":
		all := traded(rows, len(rows))
		for i := range min(n, len(all)) {
			kind := f.Kind
			if kind == "" {
				kind = malformations()[i%len(malformations())]
			}
			at := all[i*len(all)/min(n, len(all))]
			rows[at] = malform(rows[at], kind, in)
		}
	}
	return rows
}

// traded returns where the first n rows stand that say something, which one without a trade does only at Binance.
func traded(rows []wireRow, n int) []int {
	var at []int
	for i := range rows {
		if len(at) < n && (!rows[i].isTradeless || rows[i].stamp == 0) {
			at = append(at, i)
		}
	}
	return at
}

// strikes reports whether the row's key is in [start, end); an absent bound does not bound.
func (f Fault) strikes(k wireRow) bool {
	at := time.UnixMilli(k.open)
	return !at.Before(f.Start) && (f.End.IsZero() || at.Before(f.End))
}

// revise multiplies the prices and the volume by the factor. Yahoo's volumes stay whole.
func (f Fault) revise(k wireRow, in format) wireRow {
	factor := f.factor()
	for _, text := range []*string{&k.o, &k.h, &k.l, &k.c, &k.volume} {
		d, err := decimal.NewFromString(*text)
		if err != nil {
			continue
		}
		d = d.Mul(factor)
		if in == formatYahoo && text == &k.volume {
			d = d.Truncate(0)
		}
		*text = d.String()
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

func malform(k wireRow, kind string, in format) wireRow {
	switch kind {
	case "high_below_low":
		k.h, k.l = "1.0", "2.0"
	case "negative_volume":
		if k.volume = "-1.0"; in == formatYahoo {
			k.volume = "-1"
		}
	case "nan":
		k.c = "NaN"
	case "long_number":
		k.o = strings.Repeat("9", 400)
	case "misaligned":
		k.open, k.stamp = k.open+7000, k.stamp+7
	default:
		k.malformed = kind
	}
	return k
}
