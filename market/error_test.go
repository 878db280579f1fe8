package market_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	denied := market.Errorf(market.KindDenied, "the key was refused")
	tests := []struct {
		name string
		err  error
		want market.Kind
	}{
		{"nil", nil, ""},
		{"ours", denied, market.KindDenied},
		{"ours, wrapped by another package", fmt.Errorf("fetch: %w", denied), market.KindDenied},
		{"the outermost of ours counts", market.Errorf(market.KindMalformed, "page 3: %w", denied), market.KindMalformed},
		{"joined", errors.Join(io.EOF, denied), market.KindDenied},
		{"deadline", fmt.Errorf("query: %w", context.DeadlineExceeded), market.KindUnavailable},
		{"canceled", context.Canceled, market.KindUnavailable},
		{"anything else", io.EOF, market.KindInternal},
		{"conflict with its backfill", &market.ConflictError{BackfillID: "0190"}, market.KindConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, market.KindOf(tt.err))
		})
	}
}

func TestErrorf(t *testing.T) {
	t.Parallel()
	cause := &market.Error{Kind: market.KindRateLimited, Message: "429", RetryAfter: 7 * time.Second}
	err := market.Errorf(market.KindUnavailable, "BTCUSDT 1m: %w", cause)
	require.EqualError(t, err, "BTCUSDT 1m: 429")
	require.ErrorIs(t, err, cause)
	require.Equal(t, 7*time.Second, err.RetryAfter, "how long to wait survives wrapping")
	require.Equal(t, 7*time.Second, market.RetryAfter(fmt.Errorf("fetch: %w", err)))
	require.Zero(t, market.RetryAfter(io.EOF))
	require.Zero(t, market.RetryAfter(nil))

	require.NoError(t, errors.Unwrap(market.Errorf(market.KindInvalid, "limit %d", 0)))
}

func TestErrorWithoutMessageSpeaksWithItsCause(t *testing.T) {
	t.Parallel()
	require.EqualError(t, &market.Error{Kind: market.KindInternal, Err: io.EOF}, "EOF")
	require.EqualError(t, &market.Error{Kind: market.KindInternal}, "")
}

func TestConflictErrorNamesTheBackfill(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, &market.ConflictError{BackfillID: "0190-7"}, "0190-7")
}

// TestKindsAreDocumented compares the headings of docs/errors.md with the code.
func TestKindsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)
	var documented []market.Kind
	for _, heading := range regexp.MustCompile("(?m)^## `([a-z_]+)`$").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, market.Kind(heading[1]))
	}
	require.Equal(t, market.Kinds(), documented)
}
