package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"marketdata/market"
)

// recording is what is kept beside the body of a recorded page.
type recording struct {
	URL         string          `json:"url"`
	Status      int             `json:"status"`
	RequestedAt string          `json:"requested_at"`
	Symbol      string          `json:"symbol"`
	Interval    market.Interval `json:"interval"`
	Range       market.Range    `json:"range"`
	Cursor      string          `json:"cursor,omitempty"`
}

// WithRecording returns p with every fetched page kept in dir: its body as <name>.body and where it came from, without
// credentials, as <name>.json. The directory must exist. Errors: also internal when a page cannot be kept.
func WithRecording(p Provider, dir string) Provider {
	return decorate(p, func(_ context.Context, _ call, send func() (Page, error)) (Page, error) {
		page, err := send()
		if page.Status == 0 {
			return page, err
		}
		if recordErr := record(dir, p.Name(), page); recordErr != nil {
			return page, errors.Join(err, recordErr)
		}
		return page, err
	})
}

func record(dir, provider string, page Page) error {
	origin, err := json.MarshalIndent(recording{
		URL: RedactURL(page.URL), Status: page.Status, RequestedAt: market.FormatTime(page.RequestedAt),
		Symbol: page.Request.Symbol, Interval: page.Request.Grid.Interval, Range: page.Request.Range, Cursor: page.Request.Cursor,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("record page: %w", err)
	}
	body, err := os.CreateTemp(dir, fmt.Sprintf("%s-%d-*.body", provider, page.RequestedAt.UnixMilli()))
	if err != nil {
		return fmt.Errorf("record page: %w", err)
	}
	_, err = body.Write(page.Body)
	if err := errors.Join(err, body.Close()); err != nil {
		return fmt.Errorf("record page: %w", err)
	}
	name := body.Name()[:len(body.Name())-len(filepath.Ext(body.Name()))] + ".json"
	if err := os.WriteFile(name, append(origin, '\n'), 0o600); err != nil {
		return fmt.Errorf("record page: %w", err)
	}
	return nil
}
