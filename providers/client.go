package providers

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
)

const (
	requestTimeout = 25 * time.Second
	headerTimeout  = 15 * time.Second
	connectTimeout = 5 * time.Second
	idleTimeout    = 90 * time.Second
	idlePerHost    = 16
	maxRedirects   = 3
	maxBody        = 32 << 20
	maxRetryAfter  = 7 * 24 * time.Hour // beyond any provider's longest ban
)

// ClientOptions configures a Client.
type ClientOptions struct {
	Version   string            // of this program, for the User-Agent; "" is dev
	Now       func() time.Time  // the clock
	Timeout   time.Duration     // of a whole request; 0 is 25 seconds
	Transport http.RoundTripper // nil is a pooled transport with deadlines of its own
}

// Client sends the requests of all providers over one pool of connections. It is safe for concurrent use.
type Client struct {
	http      *http.Client
	userAgent string
	now       func() time.Time
}

// NewClient returns a Client.
func NewClient(o ClientOptions) *Client {
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Timeout == 0 {
		o.Timeout = requestTimeout
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	return &Client{
		http:      &http.Client{Transport: followable{o.Transport}, Timeout: o.Timeout, CheckRedirect: checkRedirect},
		userAgent: "marketdata/" + o.Version,
		now:       o.Now,
	}
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: headerTimeout,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConns:          4 * idlePerHost,
		MaxIdleConnsPerHost:   idlePerHost,
		ForceAttemptHTTP2:     true,
	}
}

// checkRedirect bounds redirects to the host that was asked, for no answer may choose where a worker goes or takes a key to, and
// keeps the former URL, which may carry one, from the next page.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	asked := via[0].URL
	if r.URL.Host != asked.Host || r.URL.Scheme != asked.Scheme && r.URL.Scheme != "https" {
		return errors.New("it redirects to another host or away from TLS, which is not followed")
	}
	r.Header.Del("Referer")
	return nil
}

// followable drops a redirect to what is not a URL: http.Client would quote it, with the keys in it, in its error. The
// answer is then one without a target, which adapters judge by its status.
type followable struct{ next http.RoundTripper }

// RoundTrip is http.RoundTripper.
func (f followable) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := f.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if _, err := r.URL.Parse(response.Header.Get("Location")); err != nil {
		response.Header.Del("Location")
	}
	return response, nil
}

// Response is an HTTP answer of any status.
type Response struct {
	Status      int
	Header      http.Header
	Body        []byte    // uncompressed, at most 32 MiB, without credentials
	URL         string    // without credentials
	RequestedAt time.Time // before the request was sent
	ReceivedAt  time.Time // when the body had come
}

// RetryAfter returns how long the server asked to wait, sent as seconds or as an HTTP date; 0 where it did not ask.
func (r Response) RetryAfter() time.Duration {
	text := strings.TrimSpace(r.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(r.ReceivedAt)), maxRetryAfter)
}

// Header is a header of a request, sent instead of the Client's own of that name.
type Header struct{ Name, Value string }

// Get requests rawURL once, with the headers, and reads the whole body. Where an answer began to come, the Response
// holds what there is of it even when err is not nil. No error text holds a credential of the URL or of a header, and
// the Response has "redacted" wherever the server repeated one.
// Errors: invalid (not a URL), unavailable (timeout, name, TLS, connection, cut body), malformed (more than 32 MiB, or
// bytes that are not the compression they claim to be).
func (c *Client) Get(ctx context.Context, rawURL string, headers ...Header) (Response, error) {
	answer := Response{URL: RedactURL(rawURL), RequestedAt: c.now().UTC()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return answer, market.Errorf(market.KindInvalid, "not a URL that can be requested: %s", answer.URL)
	}
	request.Header.Set("User-Agent", c.userAgent)
	for _, h := range headers {
		request.Header.Set(h.Name, h.Value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer, transportError(err, answer.URL)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	answer.Status, answer.Header = response.StatusCode, response.Header
	answer.Body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	answer.ReceivedAt = c.now().UTC()
	isTooLarge := len(answer.Body) > maxBody
	answer.Body = answer.Body[:min(len(answer.Body), maxBody)]
	answer.withoutEcho(credentials(rawURL, headers))
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return answer, market.Errorf(market.KindMalformed, "the answer of %s cannot be uncompressed: %w", answer.URL, err)
	case err != nil:
		return answer, market.Errorf(market.KindUnavailable, "the answer of %s broke off after %d bytes: %w", answer.URL, len(answer.Body), err)
	case isTooLarge:
		return answer, market.Errorf(market.KindMalformed, "the answer of %s is larger than %d MiB", answer.URL, maxBody>>20)
	}
	return answer, nil
}

// transportError says why no answer came. The cause is kept without the layer that repeats the URL with its keys.
func transportError(err error, redacted string) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() && !errors.Is(e.Err, context.Canceled) {
			return market.Errorf(market.KindUnavailable, "no answer of %s in time: %w", redacted, context.DeadlineExceeded)
		}
		err = e.Err
	}
	return market.Errorf(market.KindUnavailable, "no answer of %s: %w", redacted, err)
}
