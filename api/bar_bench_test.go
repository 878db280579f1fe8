package api_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/api"
	"marketdata/market"
)

const benchmarkRows = 1000

// benchmarkAPI serves a gapless series of one-minute bars, from memory.
func benchmarkAPI() (http.Handler, string) {
	w, s := newWorld(), newSeries(market.Interval1m)
	w.options.Logger = slog.New(slog.DiscardHandler)
	s.install(w)
	s.Covered = []market.Range{span("2024-01-01", "2024-02-01")}
	bars := make([]market.RawBar, benchmarkRows+1)
	for i, key := range every("2024-01-01", market.Interval1m, len(bars)) {
		bars[i] = rawBar(key)
	}
	w.store.BarsFunc = func(_ int64, _ market.Range, limit int, _ bool, visit func(market.RawBar) error) error {
		for _, bar := range bars[:min(limit, len(bars))] {
			if err := visit(bar); err != nil {
				return err
			}
		}
		return nil
	}
	return api.New(w.options), barsPath + "interval=1m&start=2024-01-01&end=2024-02-01&limit=1000"
}

// reportRows adds what one row costs.
func reportRows(b *testing.B) {
	b.Helper()
	rows := float64(b.N) * benchmarkRows
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/rows, "ns/row")
	b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
}

// nullWriter is a response nobody reads.
type nullWriter struct{ header http.Header }

func (w nullWriter) Header() http.Header         { return w.header }
func (w nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w nullWriter) WriteHeader(int)             {}

// BenchmarkBars_Handler is what a page costs without network and database.
func BenchmarkBars_Handler(b *testing.B) {
	handler, path := benchmarkAPI()
	request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(nullWriter{header: http.Header{}}, request)
	}
	reportRows(b)
}

// BenchmarkBars_HTTP is what a page costs eight keep-alive clients without a database.
func BenchmarkBars_HTTP(b *testing.B) {
	handler, path := benchmarkAPI()
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	b.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	b.SetParallelism(4) // eight clients on two processors
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL+path, nil)
			require.NoError(b, err)
			response, err := client.Do(request)
			require.NoError(b, err)
			_, err = io.Copy(io.Discard, response.Body)
			require.NoError(b, err)
			require.NoError(b, response.Body.Close())
		}
	})
	reportRows(b)
}

// BenchmarkBars_NeverAsked is what explaining decades without a bar costs.
func BenchmarkBars_NeverAsked(b *testing.B) {
	w, s := newWorld(), newSeries(market.Interval1m)
	w.options.Logger = slog.New(slog.DiscardHandler)
	s.install(w)
	handler := api.New(w.options)
	for b.Loop() {
		require.Equal(b, http.StatusOK, call(handler, barsPath+"interval=1m&start=1970-01-01").status)
	}
}
