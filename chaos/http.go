package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const requestWithin = 30 * time.Second

// exchange makes a request with a JSON body, unless that is nil, and reads the answer into v, unless that is nil. An answer
// other than success is an error of type *refusal.
func exchange(ctx context.Context, method, url string, body, v any, headers ...[2]string) error {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, url, err)
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		request.Header.Set(h[0], h[1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return &refusal{request: method + " " + url, status: response.StatusCode, body: string(text)}
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	return nil
}

// refusal is an answer other than success.
type refusal struct {
	request string
	status  int
	body    string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s answers %d: %s", r.request, r.status, r.body)
}
