package providers

import (
	"context"
	"log/slog"

	"marketdata/market"
)

// WithLog returns p with every request logged after its answer: at debug level when it succeeded, else as a warning.
// Neither bodies nor credentials are logged.
func WithLog(p Provider, logger *slog.Logger) Provider {
	return decorate(p, func(ctx context.Context, c call, send func() (Page, error)) (Page, error) {
		page, err := send()
		attributes := []slog.Attr{
			slog.String("provider", p.Name()), slog.String("operation", c.operation), slog.String("symbol", c.symbol),
		}
		if page.Status != 0 {
			attributes = append(attributes, slog.String("url", RedactURL(page.URL)), slog.Int("status", page.Status),
				slog.Int("rows", page.Rows), slog.Int("bytes", len(page.Body)))
		}
		if err != nil {
			attributes = append(attributes, slog.String("kind", string(market.KindOf(err))), slog.Any("error", err),
				slog.Duration("retry_after", market.RetryAfter(err)))
			logger.LogAttrs(ctx, slog.LevelWarn, "provider request failed", attributes...)
			return page, err
		}
		logger.LogAttrs(ctx, slog.LevelDebug, "provider request answered", attributes...)
		return page, nil
	})
}
