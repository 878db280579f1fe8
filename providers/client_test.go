package providers_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

const secret = "s3cr3t"

func noon() time.Time { return time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC) }

func newClient(o providers.ClientOptions) *providers.Client {
	o.Now = noon
	return providers.NewClient(o)
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://h/p?symbol=A&limit=1":               "https://h/p?symbol=A&limit=1",
		"https://h/p?b=2&apikey=s3cr3t&a=%20x":       "https://h/p?b=2&apikey=redacted&a=%20x",
		"https://h/p?API_KEY=s3cr3t&Token=s3cr3t":    "https://h/p?API_KEY=redacted&Token=redacted",
		"https://h/p?key=s3cr3t&signature=s3cr3t":    "https://h/p?key=redacted&signature=redacted",
		"https://h/p?%6bey=s3cr3t":                   "https://h/p?%6bey=redacted",
		"https://h/p?access_token=s3cr3t&sig=s3cr3t": "https://h/p?access_token=redacted&sig=redacted",
		"https://s3cr3t:s3cr3t@h/p#s3cr3t":           "https://h/p",
		"https://h/p?key=a%3Ds3cr3t=s3cr3t&x":        "https://h/p?key=redacted&x",
		"https://h/\x7f?key=s3cr3t":                  "redacted",
		"https://h/p?%zzkey=s3cr3t&symbol=BTC%20USD": "https://h/p?%zzkey=redacted&symbol=BTC%20USD",
	} {
		require.Equal(t, want, providers.RedactURL(raw))
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Agent", r.UserAgent())
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	})
	got, err := newClient(providers.ClientOptions{Version: "1.2"}).Get(t.Context(), base+"/p?a=1&token="+secret)
	require.NoError(t, err, "any status is an answer")
	require.Equal(t, http.StatusTeapot, got.Status)
	require.Equal(t, "short and stout", string(got.Body))
	require.Equal(t, "marketdata/1.2", got.Header.Get("X-Agent"))
	require.Equal(t, base+"/p?a=1&token=redacted", got.URL)
	require.Equal(t, noon(), got.RequestedAt)
	require.Equal(t, noon(), got.ReceivedAt)

	got, err = newClient(providers.ClientOptions{}).Get(t.Context(), base, providers.Header{Name: "User-Agent", Value: "Mozilla/5.0"})
	require.NoError(t, err)
	require.Equal(t, "Mozilla/5.0", got.Header.Get("X-Agent"), "a header of the request wins")
}

func TestGetUncompresses(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		if r.URL.Path == "/not" {
			_, _ = io.WriteString(w, "this is not compressed")
			return
		}
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, strings.Repeat("x", 100_000))
		_ = z.Close()
	})
	client := newClient(providers.ClientOptions{})
	got, err := client.Get(t.Context(), base)
	require.NoError(t, err)
	require.Len(t, got.Body, 100_000)
	_, err = client.Get(t.Context(), base+"/not")
	require.Equal(t, market.KindMalformed, market.KindOf(err), "%v", err)
}

func TestGetLimitsBodies(t *testing.T) {
	t.Parallel()
	const most = 32 << 20
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		z := gzip.NewWriter(w)
		w.Header().Set("Content-Encoding", "gzip")
		block := make([]byte, 1<<20)
		for range most / len(block) {
			_, _ = z.Write(block)
		}
		if r.URL.Path == "/more" {
			_, _ = z.Write(block[:1])
		}
		_ = z.Close()
	})
	client := newClient(providers.ClientOptions{Timeout: 10 * time.Minute}) // a race detector reads slowly
	got, err := client.Get(t.Context(), base)
	require.NoError(t, err)
	require.Len(t, got.Body, most)
	got, err = client.Get(t.Context(), base+"/more")
	require.Equal(t, market.KindMalformed, market.KindOf(err), "%v", err)
	require.Len(t, got.Body, most)
}

// failing is a transport that fails as it is told.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestGetFailsAsUnavailable(t *testing.T) {
	t.Parallel()
	cut := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "the first part")
	})
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	loop := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/again?token="+secret, http.StatusFound)
	})
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // it complains of the client's distrust
	tls.StartTLS()
	t.Cleanup(tls.Close)
	for _, tc := range []struct {
		name, base string
		options    providers.ClientOptions
		cause      error
		body       string
	}{
		{name: "name", base: "http://h", options: providers.ClientOptions{Transport: failing{&net.DNSError{Err: "no such host", Name: "h"}}}},
		{name: "refused", base: "http://127.0.0.1:1"},
		{name: "certificate", base: tls.URL},
		{name: "cut body", base: cut, cause: io.ErrUnexpectedEOF, body: "the first part"},
		{name: "timeout", base: silent, options: providers.ClientOptions{Timeout: 50 * time.Millisecond}, cause: context.DeadlineExceeded},
		{name: "redirects without end", base: loop},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := newClient(tc.options).Get(t.Context(), tc.base+"/p?symbol=A&apikey="+secret)
			require.Equal(t, market.KindUnavailable, market.KindOf(err), "%v", err)
			requireNoSecret(t, err)
			require.Equal(t, tc.base+"/p?symbol=A&apikey=redacted", got.URL)
			require.Equal(t, tc.body, string(got.Body))
			if tc.cause != nil {
				require.ErrorIs(t, err, tc.cause)
			}
		})
	}
}

// requireNoSecret looks at the text of every error in the chain.
func requireNoSecret(t *testing.T, err error) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		require.NotContains(t, err.Error(), secret)
	}
}

func TestGetHonoursItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newClient(providers.ClientOptions{}).Get(ctx, "http://127.0.0.1:1/?key="+secret)
	require.Equal(t, market.KindUnavailable, market.KindOf(err))
	require.ErrorIs(t, err, context.Canceled)
	requireNoSecret(t, err)
}

func TestGetRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	_, err := newClient(providers.ClientOptions{}).Get(t.Context(), "http://h\x7f/?key="+secret)
	require.Equal(t, market.KindInvalid, market.KindOf(err))
	requireNoSecret(t, err)
}

func TestGetFollowsRedirectsWithoutReferer(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
			return
		}
		_, _ = io.WriteString(w, "referer "+r.Referer())
	})
	got, err := newClient(providers.ClientOptions{}).Get(t.Context(), base+"/old?key="+secret)
	require.NoError(t, err)
	require.Equal(t, "referer ", string(got.Body))
}

// TestGetStaysWithItsHost: no answer chooses where a worker goes, or takes a key to.
func TestGetStaysWithItsHost(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { visits.Add(1) })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(other, "http://"))
	require.NoError(t, err)
	for _, target := range []string{
		other + "/?key=" + secret, "//" + strings.TrimPrefix(other, "http://") + "/", "http://localhost:" + port, "http://169.254.169.254/latest/meta-data/",
		"file:///etc/passwd", "gopher://127.0.0.1:1/",
	} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		_, err := newClient(providers.ClientOptions{}).Get(t.Context(), base+"/p?key="+secret, providers.Header{Name: "X-Api-Key", Value: secret})
		require.Equal(t, market.KindUnavailable, market.KindOf(err), "%s: %v", target, err)
		require.ErrorContains(t, err, "another host", target)
		requireNoSecret(t, err)
	}
	require.Zero(t, visits.Load())
}

func TestGetDoesNotFollowWhatIsNoURL(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://h:port/?token="+secret)
		w.WriteHeader(http.StatusFound)
	})
	got, err := newClient(providers.ClientOptions{}).Get(t.Context(), base)
	require.NoError(t, err)
	require.Equal(t, http.StatusFound, got.Status)
}

// TestGetTakesOutWhatIsRepeated: an answer that shows the key it was asked with is stored and shown without it.
func TestGetTakesOutWhatIsRepeated(t *testing.T) {
	t.Parallel()
	const key, token, short = "k/ey+0f4", "t0ken 0f4 us", "12345"
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Asked", r.URL.String())
		_, _ = io.WriteString(w, r.URL.String()+" "+r.Header.Get("X-Api-Key")+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Cookie")+" AAPL")
	})
	got, err := newClient(providers.ClientOptions{}).Get(t.Context(), base+"/p?symbol=AAPL&signature="+url.QueryEscape(token)+"&key="+short,
		providers.Header{Name: "X-Api-Key", Value: key}, providers.Header{Name: "Authorization", Value: "Bearer " + token},
		providers.Header{Name: "Cookie", Value: "a=b; c=d"}, providers.Header{Name: "X-Symbol", Value: "symbol=AAPL"})
	require.NoError(t, err)
	require.Equal(t, "/p?symbol=AAPL&signature=redacted&key=12345 redacted redacted redacted AAPL", string(got.Body), "what is too short for a key is no key")
	require.Equal(t, "/p?symbol=AAPL&signature=redacted&key=12345", got.Header.Get("X-Asked"))
}

// TestGetKnowsAKeyHoweverItIsWritten: JSON has ways of its own, and what is no key stays.
func TestGetKnowsAKeyHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	const key = `"k/ey&0f4"`
	for sent, want := range map[string]string{
		key:                          "redacted",
		`{"a":"\"k/ey\u00260f4\""}`:  `{"a":"redacted"}`,
		`{"a":"\"k\/ey\u00260f4\""}`: `{"a":"redacted"}`,
		url.QueryEscape(key):         "redacted",
		url.PathEscape(key):          "redacted",
		"extended 1735689600000":     "extended 1735689600000",
	} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, sent) })
		got, err := newClient(providers.ClientOptions{}).Get(t.Context(), base+"/p?session=extended&token=1735689600000", providers.Header{Name: "X-Api-Key", Value: key})
		require.NoError(t, err)
		require.Equal(t, want, string(got.Body))
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-7": 0, "1.5": 0, "soon": 0,
		"999999999": 7 * 24 * time.Hour, "99999999999999999999": 0,
		noon().Add(time.Minute).Format(http.TimeFormat):                      time.Minute,
		noon().Add(-time.Minute).Format(http.TimeFormat):                     0,
		noon().AddDate(50, 0, 0).Format(http.TimeFormat):                     7 * 24 * time.Hour,
		noon().Add(time.Minute).Format(time.RFC3339):                         0,
		noon().Add(2 * time.Minute).Format("Monday, 02-Jan-06 15:04:05 GMT"): 2 * time.Minute,
	} {
		r := providers.Response{Header: http.Header{"Retry-After": {text}}, ReceivedAt: noon()}
		require.Equal(t, want, r.RetryAfter(), text)
	}
}

// FuzzRetryAfter: whatever a server writes, nobody waits longer than a week, or backwards.
func FuzzRetryAfter(f *testing.F) {
	for _, text := range []string{"17", "-3 soon", "Tue, 05 Mar 2024 12:01:00 GMT", "99999999999999999999", " 5 "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := providers.Response{Header: http.Header{"Retry-After": {text}}, ReceivedAt: time.Date(2024, 3, 5, 12, 0, 0, 0, time.UTC)}
		wait := r.RetryAfter()
		require.True(t, 0 <= wait && wait <= 7*24*time.Hour, wait)
	})
}
