package providers_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

func TestStatusKind(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]market.Kind{
		204: market.KindMalformed, 304: market.KindMalformed, 400: market.KindInvalid, 401: market.KindDenied, 403: market.KindDenied,
		404: market.KindInvalid, 422: market.KindInvalid, 429: market.KindRateLimited, 451: market.KindDenied,
		500: market.KindUnavailable, 503: market.KindUnavailable, 599: market.KindUnavailable,
	} {
		require.Equal(t, want, providers.StatusKind(status), status)
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":               "",
		"Bad request":    "Bad request",
		"a\r\n\x00b\x7f": "a   b ",
		"a\xffb":         "a?b",
	} {
		require.Equal(t, want, providers.Printable(text))
	}
	long := providers.Printable("x" + strings.Repeat("é", 500))
	require.True(t, utf8.ValidString(long))
	require.LessOrEqual(t, len(long), 200+len("…"))
	require.True(t, strings.HasSuffix(long, "é…"))
}

func TestRequireJSON(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"[]", " {} \n", "null", `"text"`, "1"} {
		require.NoError(t, providers.RequireJSON([]byte(body), "bars"), body)
	}
	for body, want := range map[string]string{
		"":                "bars of 0 bytes are not complete JSON",
		"[1":              "bars of 2 bytes are not complete JSON",
		"[][]":            "bars of 4 bytes are not complete JSON",
		"no":              "bars of 2 bytes are not complete JSON",
		"\n<html></html>": "HTML of 14 bytes where bars are due",
		strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20): "bars of 2097152 bytes are not complete JSON", // too deep
	} {
		err := providers.RequireJSON([]byte(body), "bars")
		require.EqualError(t, err, want)
		require.Equal(t, market.KindMalformed, market.KindOf(err))
	}
}

func TestQuarantineRow(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	got := providers.QuarantineRow(at, market.RuleUnreadable, "[1]")
	require.Equal(t, market.Quarantined{Time: at, Rule: market.RuleUnreadable, Value: "[1]"}, got)
	long := "x" + strings.Repeat("é", 4000)
	require.Equal(t, long[:4095], providers.QuarantineRow(at, market.RuleUnreadable, long).Value)
}

func TestBase(t *testing.T) {
	t.Parallel()
	const own = "https://api.example.com"
	for base, want := range map[string]string{"": own, "http://h": "http://h", "https://h/base//": "https://h/base"} {
		got, err := providers.Instance{BaseURL: base}.Base(own)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, base := range []string{"api.example.com", "ftp://host", "http://", "http://host?x=1", "::", "http://a b"} {
		_, err := providers.Instance{BaseURL: base}.Base(own)
		require.Equal(t, market.KindInvalid, market.KindOf(err), base)
		require.ErrorContains(t, err, own)
	}
}
