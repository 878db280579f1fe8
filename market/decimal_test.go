package market_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"zero", "0", "0"},
		{"negative zero", "-0", "0"},
		{"negative zero with fraction", "-0.000", "0"},
		{"zero with exponent", "0e5", "0"},
		{"negative zero with exponent", "-0E-7", "0"},
		{"integer", "42", "42"},
		{"zeros of an integer stay", "4200", "4200"},
		{"fraction", "42283.58", "42283.58"},
		{"trailing zeros are dropped", "42283.58000000", "42283.58"},
		{"only zeros after the point", "1.000", "1"},
		{"negative", "-37.63", "-37.63"},
		{"small", "0.00000123", "0.00000123"},
		{"positive exponent", "1.029145e+06", "1029145"},
		{"exponent shorter than the fraction", "1.23456e2", "123.456"},
		{"exponent longer than the fraction", "1.5e3", "1500"},
		{"negative exponent", "1.23e-6", "0.00000123"},
		{"negative exponent inside the whole part", "12345e-2", "123.45"},
		{"negative exponent of a round number", "1200e-2", "12"},
		{"negative number with exponent", "-5E-3", "-0.005"},
		{"leading zero of the mantissa vanishes", "0.05e2", "5"},
		{"exponent zero", "7e0", "7"},
		{"greatest exponent", "1e30", "1" + strings.Repeat("0", 30)},
		{"least exponent", "1e-30", "0." + strings.Repeat("0", 29) + "1"},
		{"forty digits", "1234567890123456789012345678901234567.891", "1234567890123456789012345678901234567.891"},
		{"forty nines", strings.Repeat("9", 40), strings.Repeat("9", 40)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := market.ParseDecimal(tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.want, d.String())
			require.True(t, d.IsSet())
			require.Equal(t, strings.HasPrefix(tt.want, "-"), d.IsNegative())
		})
	}
}

func TestParseDecimalRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"nothing", ""},
		{"blank", " "},
		{"leading blank", " 1"},
		{"trailing newline", "1\n"},
		{"sign alone", "-"},
		{"plus", "+1"},
		{"two signs", "--1"},
		{"leading zero", "01"},
		{"no whole part", ".5"},
		{"no fraction after the point", "5."},
		{"two points", "1.2.3"},
		{"thousands", "1,000"},
		{"letters", "abc"},
		{"letters in the fraction", "1.2x"},
		{"not a number", "NaN"},
		{"infinity", "Infinity"},
		{"hexadecimal", "0x10"},
		{"underscore", "1_000"},
		{"no exponent after e", "1e"},
		{"exponent with a fraction", "1e1.5"},
		{"exponent only", "e5"},
		{"exponent too great", "1e31"},
		{"exponent too small", "1e-31"},
		{"exponent that overflows", "1e99999999999999999999"},
		{"full-width digits", "１２"},
		{"null byte", "1\x00"},
		{"41 digits", strings.Repeat("1", 41)},
		{"41 digits with fraction", strings.Repeat("1", 20) + "." + strings.Repeat("1", 21)},
		{"400 digits", strings.Repeat("1", 400)},
		{"invalid UTF-8", "\xff\xfe"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := market.ParseDecimal(tt.text)
			require.Error(t, err)
			require.Equal(t, market.KindMalformed, market.KindOf(err))
			require.Less(t, len(err.Error()), 200, "messages stay short whatever was sent")
			require.False(t, d.IsSet())
		})
	}
}

func TestDecimalZeroIsAbsent(t *testing.T) {
	t.Parallel()
	var absent market.Decimal
	require.False(t, absent.IsSet())
	require.False(t, absent.IsNegative())
	require.Empty(t, absent.String())
	require.NotEqual(t, dec("0"), absent)
}

// number generates what providers send: up to forty digits, with or without sign, fraction and exponent.
func number() *rapid.Generator[string] {
	return rapid.StringMatching(`-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?([eE][+-]?(30|[12]?[0-9]))?`)
}

func TestParseDecimalAgreesWithOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := number().Draw(t, "text")
		d, err := market.ParseDecimal(text)
		require.NoError(t, err)
		want, err := decimal.NewFromString(text)
		require.NoError(t, err)
		got, err := decimal.NewFromString(d.String())
		require.NoError(t, err)
		require.True(t, want.Equal(got), "%s became %s", text, d)
		require.Regexp(t, `^(0|-?(0\.\d*[1-9]|[1-9]\d*(\.\d*[1-9])?))$`, d.String())
	})
}

func TestDecimalFormatThenParseIsIdentity(t *testing.T) {
	t.Parallel()
	plain := rapid.StringMatching(`-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?`)
	rapid.Check(t, func(t *rapid.T) {
		d, err := market.ParseDecimal(plain.Draw(t, "text"))
		require.NoError(t, err)
		again, err := market.ParseDecimal(d.String())
		require.NoError(t, err)
		require.Equal(t, d, again)
	})
}

func TestDecimalCmpAgreesWithOracle(t *testing.T) {
	t.Parallel()
	// Few digits, so that equal and nearly equal numbers are common.
	short := rapid.StringMatching(`-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,3})?`)
	rapid.Check(t, func(t *rapid.T) {
		pair := rapid.SampledFrom([]*rapid.Generator[string]{short, number()}).Draw(t, "shape")
		a, b := dec(pair.Draw(t, "a")), dec(pair.Draw(t, "b"))
		x, okX := new(big.Rat).SetString(a.String())
		y, okY := new(big.Rat).SetString(b.String())
		require.True(t, okX && okY)
		require.Equal(t, x.Cmp(y), a.Cmp(b), "%s against %s", a, b)
		require.Equal(t, -a.Cmp(b), b.Cmp(a))
		require.Equal(t, a == b, a.Cmp(b) == 0, "canonical text is equal exactly when the numbers are")
	})
}

func FuzzParseDecimal(f *testing.F) {
	for _, seed := range []string{"0", "-0.0", "1.5e3", "12345e-2", "NaN", "1e-30", "01", "9.", strings.Repeat("9", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := market.ParseDecimal(text)
		if err != nil {
			require.Equal(t, market.KindMalformed, market.KindOf(err))
			return
		}
		want, ok := new(big.Rat).SetString(text)
		require.True(t, ok, "%q is not a number", text)
		got, ok := new(big.Rat).SetString(d.String())
		require.True(t, ok)
		require.Zero(t, want.Cmp(got), "%q became %q", text, d)
	})
}

// dec parses a number that is known to be good.
func dec(text string) market.Decimal {
	d, err := market.ParseDecimal(text)
	if err != nil {
		panic(err)
	}
	return d
}
