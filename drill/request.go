package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"marketdata/market"
)

const requestWithin = 30 * time.Second

// api asks a platform as its users do.
type api struct{ url string }

// get returns the bytes of an answer.
func (a api) get(ctx context.Context, path string) ([]byte, error) {
	return ask(ctx, http.MethodGet, a.url+path, nil)
}

// post sends a JSON body and reads the answer into v, unless that is nil.
func (a api) post(ctx context.Context, path string, body, v any) error {
	text, err := ask(ctx, http.MethodPost, a.url+path, body)
	if err != nil || v == nil {
		return err
	}
	return decode(path, text, v)
}

// ask makes a request; an answer other than success is an error.
func ask(ctx context.Context, method, url string, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	var reader io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, url, err)
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s answers %d: %s", method, url, response.StatusCode, text)
	}
	return text, nil
}

func decode(path string, text []byte, v any) error {
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// backfill is a backfill as the API shows it, as far as the drill looks at it.
type backfill struct {
	ID       string                `json:"id"`
	Status   market.BackfillStatus `json:"status"`
	Progress struct {
		Requests int64              `json:"requests"`
		Chunks   market.ChunkCounts `json:"chunks"`
		Bars     market.BarCounts   `json:"bars"`
	} `json:"progress"`
}

func (a api) backfill(ctx context.Context, id string) (backfill, error) {
	var b backfill
	text, err := a.get(ctx, "/v1/backfills/"+id)
	if err == nil {
		err = decode(id, text, &b)
	}
	return b, err
}

// finish waits until the backfill is over, and wants it to have completed.
func (a api) finish(ctx context.Context, id string) (backfill, error) {
	var b backfill
	err := await(ctx, func(ctx context.Context) (isReached bool, err error) {
		b, err = a.backfill(ctx, id)
		return b.Status.IsFinished(), err
	})
	if err == nil && b.Status != market.StatusCompleted && b.Status != market.StatusCompletedWithGaps {
		err = fmt.Errorf("it is %s", b.Status)
	}
	if err != nil {
		return b, fmt.Errorf("backfill %s: %w", id, err)
	}
	return b, nil
}

const (
	poll        = 100 * time.Millisecond
	awaitWithin = 3 * time.Minute
)

// await asks often until what is asked for is reached; an error ends it.
func await(ctx context.Context, isReached func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, awaitWithin)
	defer cancel()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		reached, err := isReached(ctx)
		if err != nil || reached {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not after %s: %w", awaitWithin, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}
