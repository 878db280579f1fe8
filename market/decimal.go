package market

import (
	"strconv"
	"strings"
)

const (
	maxDigits   = 40
	maxExponent = 30
)

// Decimal is an exact decimal number kept as its canonical text: -?(0|[1-9]\d*)(\.\d*[1-9])?, no exponent, no
// negative zero. It never passes through a float. The zero Decimal is absent (IsSet is false), which is not 0.
type Decimal struct{ text string }

// ParseDecimal reads a provider's number: digits with an optional sign, fraction (trailing zeros are dropped) and
// exponent (expanded, magnitude at most 30); at most 40 digits. NaN, infinities, leading zeros, a leading plus and
// blanks are refused. Errors: malformed.
func ParseDecimal(text string) (Decimal, error) {
	if len(text) > 2*maxDigits {
		return Decimal{}, Errorf(KindMalformed, "number of %d characters: at most %d digits are kept exactly", len(text), maxDigits)
	}
	mantissa, exponent := text, 0
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		e, err := strconv.Atoi(text[at+1:])
		if err != nil || e > maxExponent || e < -maxExponent {
			return Decimal{}, Errorf(KindMalformed, "number %q: the exponent is not within ±%d", clip(text), maxExponent)
		}
		mantissa, exponent = text[:at], e
	}
	digits, ok := checkDigits(mantissa)
	if !ok {
		return Decimal{}, Errorf(KindMalformed, "not a number: %q", clip(text))
	}
	if digits > maxDigits {
		return Decimal{}, Errorf(KindMalformed, "number with %d digits: at most %d are kept exactly", digits, maxDigits)
	}
	if exponent != 0 {
		mantissa = shift(mantissa, exponent)
	}
	return Decimal{canonical(mantissa)}, nil
}

// checkDigits reports whether text is -?(0|[1-9]\d*)(\.\d+)? and how many digits it has.
func checkDigits(text string) (digits int, ok bool) {
	body := strings.TrimPrefix(text, "-")
	whole, fraction, hasPoint := strings.Cut(body, ".")
	if whole == "" || len(whole) > 1 && whole[0] == '0' || hasPoint && fraction == "" {
		return 0, false
	}
	for _, part := range [2]string{whole, fraction} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return 0, false
			}
		}
	}
	return len(whole) + len(fraction), true
}

// shift moves the decimal point of a checked number by exponent places; the result may have superfluous zeros.
func shift(text string, exponent int) string {
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if exponent > 0 {
		fraction += strings.Repeat("0", max(0, exponent-len(fraction)))
		whole, fraction = whole+fraction[:exponent], fraction[exponent:]
	} else {
		whole = strings.Repeat("0", max(0, 1-exponent-len(whole))) + whole
		cut := len(whole) + exponent
		whole, fraction = whole[:cut], whole[cut:]+fraction
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction == "" {
		return sign + whole
	}
	return sign + whole + "." + fraction
}

// canonical drops trailing fractional zeros and the sign of zero from a checked number.
func canonical(text string) string {
	if strings.IndexByte(text, '.') >= 0 {
		end := len(text)
		for text[end-1] == '0' {
			end--
		}
		if text[end-1] == '.' {
			end--
		}
		text = text[:end]
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// IsSet reports whether the number is present.
func (d Decimal) IsSet() bool { return d.text != "" }

// IsNegative reports whether the number is below zero.
func (d Decimal) IsNegative() bool { return d.text != "" && d.text[0] == '-' }

// String returns the canonical text, "" when absent.
func (d Decimal) String() string { return d.text }

// Cmp compares two present numbers exactly: -1, 0 or +1.
func (d Decimal) Cmp(o Decimal) int {
	switch {
	case d.IsNegative() && o.IsNegative():
		return compareDigits(o.text[1:], d.text[1:])
	case d.IsNegative():
		return -1
	case o.IsNegative():
		return 1
	}
	return compareDigits(d.text, o.text)
}

// compareDigits compares two canonical numbers without sign. Without trailing zeros, fractions order as text does.
func compareDigits(a, b string) int {
	wholeA, fractionA, _ := strings.Cut(a, ".")
	wholeB, fractionB, _ := strings.Cut(b, ".")
	if len(wholeA) != len(wholeB) {
		if len(wholeA) < len(wholeB) {
			return -1
		}
		return 1
	}
	if c := strings.Compare(wholeA, wholeB); c != 0 {
		return c
	}
	return strings.Compare(fractionA, fractionB)
}
