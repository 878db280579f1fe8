package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"marketdata/config"
)

const (
	requestTimeout = time.Minute
	maxAnswer      = 64 << 20
)

// apiClient talks to the API. It is safe for concurrent use.
type apiClient struct {
	base string
	http *http.Client
}

func newClient(baseURL string) *apiClient {
	return &apiClient{base: strings.TrimRight(baseURL, "/"), http: &http.Client{Timeout: requestTimeout}}
}

// addAPIURL adds --api-url to a command that talks to the API.
func addAPIURL(c *cobra.Command) { config.AddFlags(c.Flags(), "api.url") }

// openAPI returns a client of the configured API.
func (a *app) openAPI(c *cobra.Command) (*apiClient, error) {
	cfg, err := a.loadConfig(c)
	if err != nil {
		return nil, err
	}
	return newClient(cfg.API.URL), nil
}

// openForOutput is openAPI for a command with --output: it also says whether JSON is wanted.
func (a *app) openForOutput(c *cobra.Command) (api *apiClient, asJSON bool, err error) {
	if asJSON, err = isJSON(c); err != nil {
		return nil, false, err
	}
	api, err = a.openAPI(c)
	return api, asJSON, err
}

// problemError is a problem document of the API.
type problemError struct {
	Status     int    `json:"status"`
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	RequestID  string `json:"request_id"`
	BackfillID string `json:"backfill_id"`
	Errors     []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

// Error is one line: what is wrong, everywhere it is wrong, and the request id for the server's log.
func (e *problemError) Error() string {
	text := e.Detail
	if text == "" {
		text = e.Title
	}
	for _, place := range e.Errors {
		if !strings.Contains(text, place.Location+": "+place.Message) {
			text += "; " + place.Location + ": " + place.Message
		}
	}
	if e.Status >= http.StatusInternalServerError && e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// get reads an answer into into, where that is not nil, and returns it as sent.
func (c *apiClient) get(ctx context.Context, path string, query url.Values, into any) (json.RawMessage, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.send(ctx, http.MethodGet, path, nil, into)
}

// post sends body, where that is not nil.
func (c *apiClient) post(ctx context.Context, path string, body, into any) (json.RawMessage, error) {
	return c.send(ctx, http.MethodPost, path, body, into)
}

// send makes one request. Errors: *problemError for a problem document.
func (c *apiClient) send(ctx context.Context, method, path string, body, into any) (json.RawMessage, error) {
	answer, status, err := c.exchange(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	if status >= http.StatusMultipleChoices {
		var problem problemError
		if json.Unmarshal(answer, &problem) != nil || problem.Detail == "" && problem.Title == "" {
			return nil, fmt.Errorf("%s answered %d to %s %s: is it the API?", c.base, status, method, path)
		}
		problem.Status = status
		return nil, &problem
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			return nil, fmt.Errorf("%s did not answer as the API does: %w", c.base, err)
		}
	}
	return answer, nil
}

// exchange returns the answer's body and status, whatever the status.
func (c *apiClient) exchange(ctx context.Context, method, path string, body any) ([]byte, int, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, 0, fmt.Errorf("encode the request: %w", err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, 0, fmt.Errorf("request of the API: %w", err)
	}
	request.Header.Set("User-Agent", "marketdata-cli")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, 0, c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, 0, c.unreachable(ctx, err)
	}
	if len(answer) > maxAnswer {
		return nil, 0, fmt.Errorf("%s answered with more than %d MiB: is it the API?", c.base, maxAnswer>>20)
	}
	return answer, response.StatusCode, nil
}

// unreachableError says that no whole answer came; asking again may help.
type unreachableError struct {
	base string
	err  error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("the API at %s does not answer (%s): start it with 'marketdata dev' or 'marketdata api', or name another with --api-url", e.base, e.err)
}

func (e *unreachableError) Unwrap() error { return e.err }

func (c *apiClient) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &unreachableError{c.base, err}
}

// listPage is what every list of the API looks like.
type listPage[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"`
}

const maxPage = 1000

// list reads pages of a list until limit entries are there or none is left; limit 0 means all.
func list(ctx context.Context, c *apiClient, path string, query url.Values, limit int) ([]json.RawMessage, error) {
	entries := make([]json.RawMessage, 0, maxPage)
	for {
		want := maxPage
		if limit > 0 {
			want = min(want, limit-len(entries))
		}
		query.Set("limit", strconv.Itoa(want))
		var page listPage[json.RawMessage]
		if _, err := c.get(ctx, path, query, &page); err != nil {
			return nil, err
		}
		entries = append(entries, page.Data...)
		if page.NextCursor == nil || limit > 0 && len(entries) >= limit {
			return entries, nil
		}
		query.Set("cursor", *page.NextCursor)
	}
}
