package activities_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"marketdata/market"
	"marketdata/metrics"
	"marketdata/providers"
)

const providerKey = "kEy0f4pr0vider"

// keyed is a provider that sends a key, in headers and in the URL, and judges answers as adapters do. The adapters of this
// project send none.
type keyed struct {
	provider
	client    *providers.Client
	base, key string
}

func (k *keyed) Fetch(ctx context.Context, r providers.Request) (providers.Page, error) {
	answer, err := k.client.Get(ctx, k.base+"/bars?symbol=X&apikey="+k.key,
		providers.Header{Name: "X-Api-Key", Value: k.key}, providers.Header{Name: "Authorization", Value: "Bearer " + k.key})
	page := providers.Page{Request: r, Body: answer.Body, URL: answer.URL, Status: answer.Status, RequestedAt: answer.RequestedAt}
	switch {
	case err != nil:
		return page, err
	case answer.Status != http.StatusOK:
		return page, market.Errorf(providers.StatusKind(answer.Status), "HTTP %d: %s", answer.Status, providers.Printable(string(answer.Body)))
	}
	if err := providers.RequireJSON(answer.Body, "bars"); err != nil {
		return page, market.Errorf(market.KindMalformed, "%w: %s", err, providers.Printable(string(answer.Body)))
	}
	return page, nil
}

// decorated is the registry of a keyed provider with everything around it that a worker has.
type decorated struct{ of providers.Provider }

func (d decorated) Provider(string) (providers.Provider, error) { return d.of, nil }
func (decorated) Instances() []market.ProviderInstance          { return nil }

// left is everything that a failure leaves behind.
type left struct {
	t    *testing.T
	seen map[string][]byte
}

func (l *left) add(where string, text []byte) { l.seen[where] = append(l.seen[where], text...) }

// requireNoKey looks for the key, as it is and as payloads and basic credentials write it.
func (l *left) requireNoKey() {
	l.t.Helper()
	for where, text := range l.seen {
		at := whereKeyStands(text)
		require.Negative(l.t, at, "the key stands in %s: %.300s", where, text[max(0, at-100):])
	}
}

// whereKeyStands returns the place of the key in a text, or -1. In base64 it looks different after each number of bytes.
func whereKeyStands(text []byte) int {
	if at := bytes.Index(text, []byte(providerKey)); at >= 0 {
		return at
	}
	for before := range 3 {
		written := base64.StdEncoding.EncodeToString([]byte("xxx"[:before] + providerKey))
		if at := bytes.Index(text, []byte(written[4:16])); at >= 0 {
			return at
		}
	}
	return -1
}

func TestKeysAreFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"x" + providerKey, base64.StdEncoding.EncodeToString([]byte(providerKey)),
		base64.StdEncoding.EncodeToString([]byte("user:" + providerKey)), base64.StdEncoding.EncodeToString([]byte("me:" + providerKey)),
		base64.StdEncoding.EncodeToString([]byte(`{"data":"` + providerKey + `"}`)),
	} {
		require.GreaterOrEqual(t, whereKeyStands([]byte(text)), 0, text)
	}
	require.Negative(t, whereKeyStands([]byte("nothing")))
}

// refuse answers as a provider that repeats what it was sent, as some do.
func refuse(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("X-Asked", r.URL.String())
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "you asked %s with %s and %s", r.URL, r.Header.Get("X-Api-Key"), r.Header.Get("Authorization"))
	}
}

// TestNoFailureTellsTheKey sends a request with a key, lets it fail in every way, and reads all that the fetch of a chunk
// leaves: the failure as Temporal gets it, heartbeats, the log, stored pages, recordings, metrics.
func TestNoFailureTellsTheKey(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	t.Cleanup(other.Close)
	for _, tt := range []struct { // what cannot be read is asked for again, so it is unavailable at first
		name    string
		handler http.HandlerFunc
		kind    market.Kind
		key     string
		timeout time.Duration
	}{
		{name: "refused", handler: refuse(http.StatusUnauthorized), kind: market.KindDenied},
		{name: "not found", handler: refuse(http.StatusNotFound), kind: market.KindInvalid},
		{name: "too many", handler: refuse(http.StatusTooManyRequests, "Retry-After", "1"), kind: market.KindRateLimited},
		{name: "broken", handler: refuse(http.StatusInternalServerError), kind: market.KindUnavailable},
		{name: "busy", handler: refuse(http.StatusServiceUnavailable, "Content-Type", "text/html"), kind: market.KindUnavailable},
		{name: "malformed", handler: refuse(http.StatusOK), kind: market.KindUnavailable},
		{name: "not compressed", handler: refuse(http.StatusOK, "Content-Encoding", "gzip"), kind: market.KindUnavailable},
		{name: "cut", handler: refuse(http.StatusOK, "Content-Length", "5000"), kind: market.KindUnavailable},
		{name: "elsewhere", handler: refuse(http.StatusTemporaryRedirect, "Location", other.URL+"/?apikey="+providerKey), kind: market.KindUnavailable},
		{name: "to another protocol", handler: refuse(http.StatusFound, "Location", "ftp://"+providerKey+"@h/"), kind: market.KindUnavailable},
		{name: "in circles", handler: refuse(http.StatusFound, "Location", "/"+providerKey), kind: market.KindUnavailable},
		{name: "to what is no URL", handler: refuse(http.StatusFound, "Location", "http://h:port/"+providerKey), kind: market.KindUnavailable},
		{name: "silent", kind: market.KindUnavailable, timeout: 3 * time.Second, handler: func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}},
		{name: "hung up", kind: market.KindUnavailable, handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{name: "a key that no header holds", kind: market.KindInvalid, key: providerKey + "\nX: y", handler: refuse(http.StatusOK)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var isSent atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				isSent.Store(r.Header.Get("X-Api-Key") == providerKey && r.Header.Get("Authorization") == "Bearer "+providerKey)
				tt.handler(w, r)
			}))
			t.Cleanup(server.Close)
			k := &keyed{base: server.URL, key: providerKey, client: providers.NewClient(providers.ClientOptions{Now: start, Timeout: tt.timeout})}
			if tt.key != "" {
				k.key = tt.key
			}
			l := &left{t: t, seen: map[string][]byte{}}
			err := failedFetch(t, l, k)
			var failure *temporal.ApplicationError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, string(tt.kind), failure.Type(), "%v", err)
			require.Equal(t, tt.key == "", isSent.Load(), "the key is sent")
			l.requireNoKey()
		})
	}
	t.Cleanup(func() { require.Zero(t, visits.Load(), "nobody else was asked") })
}

// failedFetch fetches a chunk of the provider, which must fail, and keeps all that it leaves.
func failedFetch(t *testing.T, l *left, k *keyed) error {
	t.Helper()
	var told bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m, err := metrics.New(metrics.Options{Version: "1", Commit: "2", GoVersion: "3", Now: start, Logger: logger})
	require.NoError(t, err)
	recordings := t.TempDir()
	f := setup(t)
	f.a.Providers = decorated{providers.WithLog(providers.WithMetrics(providers.WithRecording(k, recordings), m, start), logger)}
	f.a.Recorder = m
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(logger))
	f.env = suite.NewTestActivityEnvironment()
	f.env.RegisterActivity(f.a.FetchChunk)
	f.env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var progress map[string]any
		require.NoError(t, details.Get(&progress))
		l.add("heartbeats", fmt.Appendf(nil, "%v", progress))
	})
	_, err = f.fetch(t)
	require.Error(t, err)

	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		l.add("errors", []byte(cause.Error()+"\n"))
	}
	message, marshalErr := temporal.GetDefaultFailureConverter().ErrorToFailure(err).Marshal()
	require.NoError(t, marshalErr)
	l.add("the failure in Temporal", message)
	l.add("the log", told.Bytes())
	require.Contains(t, told.String(), "provider request failed")
	for _, p := range f.store.pages {
		l.add("stored pages", fmt.Appendf(nil, "%+v %s", p, p.Body))
	}
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	page, err2 := io.ReadAll(answer.Body)
	require.NoError(t, err2)
	require.Contains(t, string(page), "marketdata_provider_requests_total{")
	l.add("metrics", page)
	require.NoError(t, filepath.WalkDir(recordings, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		l.add("recordings", content)
		return err
	}))
	return err
}
