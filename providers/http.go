package providers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"marketdata/market"
)

const (
	dialTimeout    = 5 * time.Second
	tlsTimeout     = 5 * time.Second
	headerTimeout  = 15 * time.Second
	requestTimeout = 25 * time.Second
	maxBody        = 32 << 20
	maxRedirects   = 3
	// A provider's connections are few: its budget, not the pool, bounds the traffic.
	connectionsPerHost = 16
)

// ClientOptions configures a Client. Now is required.
type ClientOptions struct {
	Version   string            // of this build, for the User-Agent; "" for "dev"
	Now       func() time.Time  // clock
	Timeout   time.Duration     // whole request; 0 for 25 s
	MaxBody   int64             // bytes of an uncompressed body; 0 for 32 MiB
	Transport http.RoundTripper // nil for a pooled one with its own deadlines
}

// Client sends the requests of all adapters. It neither retries nor follows a redirect to another host. It is safe for
// concurrent use.
type Client struct {
	http      *http.Client
	userAgent string
	timeout   time.Duration
	maxBody   int64
	now       func() time.Time
}

// NewClient returns a Client with a connection pool of its own.
func NewClient(o ClientOptions) *Client {
	c := &Client{
		http: &http.Client{Transport: o.Transport, CheckRedirect: checkRedirect}, userAgent: userAgent(o.Version),
		timeout: o.Timeout, maxBody: o.MaxBody, now: o.Now,
	}
	if o.Transport == nil {
		c.http.Transport = newTransport()
	}
	if c.timeout <= 0 {
		c.timeout = requestTimeout
	}
	if c.maxBody <= 0 {
		c.maxBody = maxBody
	}
	return c
}

func userAgent(version string) string {
	if version == "" {
		version = "dev"
	}
	return "marketdata/" + version + " (+self-hosted)"
}

// newTransport decompresses gzip itself, so that the size limit counts what a body unpacks to.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   tlsTimeout,
		ResponseHeaderTimeout: headerTimeout,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		MaxIdleConns:          4 * connectionsPerHost,
		MaxIdleConnsPerHost:   connectionsPerHost,
		IdleConnTimeout:       90 * time.Second,
		ForceAttemptHTTP2:     true,
	}
}

// checkRedirect follows redirects within a host only: keys in a query or a header are not for others.
func checkRedirect(r *http.Request, via []*http.Request) error {
	first := via[0].URL
	isDowngrade := first.Scheme == "https" && r.URL.Scheme != "https"
	if len(via) > maxRedirects || isDowngrade || r.URL.Hostname() != first.Hostname() {
		return http.ErrUseLastResponse
	}
	return nil
}

// Get sends one GET request and reads the whole answer, whatever its status: Answer.StatusError classifies that. Header
// may be nil. Where a part of a body came, the Answer holds it even when err is not nil. Errors: unavailable (timeout,
// name resolution, TLS, connection, a body cut short), malformed (a body beyond the size limit); no error shows a
// credential.
func (c *Client) Get(ctx context.Context, address string, header http.Header) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer := Answer{URL: RedactURL(address)}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer, market.Errorf(market.KindInvalid, "the request cannot be built: its URL is not valid")
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", c.userAgent)
	}
	answer.RequestedAt = c.now().UTC()
	response, err := c.http.Do(request)
	if err != nil {
		answer.ReceivedAt = c.now().UTC()
		return answer, transportError(err)
	}
	defer func() { _ = response.Body.Close() }() // what matters of it was read
	answer.Status, answer.Header = response.StatusCode, response.Header
	answer.Body, err = io.ReadAll(io.LimitReader(response.Body, c.maxBody+1))
	answer.ReceivedAt = c.now().UTC()
	switch {
	case int64(len(answer.Body)) > c.maxBody:
		answer.Body = answer.Body[:c.maxBody]
		return answer, market.Errorf(market.KindMalformed, "the answer is larger than %d bytes", c.maxBody)
	case err != nil:
		return answer, transportError(err)
	}
	return answer, nil
}

// transportError classifies what went wrong below HTTP. The URL that net/http puts into its errors is left out.
func transportError(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		err = withURL.Err
	}
	var dns *net.DNSError
	var unknownAuthority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return market.Errorf(market.KindUnavailable, "the request was given up: %w", err)
	case errors.As(err, &dns):
		return market.Errorf(market.KindUnavailable, "the host name cannot be resolved: %w", err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return market.Errorf(market.KindUnavailable, "no complete answer in time: %w", err)
	case errors.As(err, &unknownAuthority), errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &record), errors.As(err, &alert):
		return market.Errorf(market.KindUnavailable, "no TLS connection: %w", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return market.Errorf(market.KindUnavailable, "the answer was cut short: %w", err)
	}
	return market.Errorf(market.KindUnavailable, "the connection failed: %w", err)
}
