package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"marketdata/market"
)

// devState is what `marketdata dev` writes down about itself.
type devState struct {
	DatabaseURL string            `json:"database_url"`
	URLs        map[string]string `json:"urls"`
	Processes   []struct {
		Name string `json:"name"`
		PID  int    `json:"pid"`
	} `json:"processes"`
}

// BenchmarkStack loads half a million one-minute bars, twice over, from the simulator through the whole stack as
// separate processes, pages through the million, and compares with what PostgreSQL does with the same rows alone:
//
//	bars/s        from POST /v1/backfills to completed
//	x-of-copy     that rate over raw text COPY of the same rows into the same table
//	worker-MiB    peak resident memory of the worker
//	api-MiB       peak resident memory of the API after a client paged through a million bars
//	rows/s-served rows/s of GET …/bars?limit=1000 with 8 keep-alive clients
//	read-x-of-pgx that rate of GET …/bars?limit=1000 with 8 keep-alive clients over bare pgx reading the same query
//
// With MARKETDATA_BENCH_ENFORCE set, it fails where a ratio or a size is beyond what docs/performance.md promises.
func BenchmarkStack(b *testing.B) {
	stack := startDev(b)
	for range b.N {
		first := stack.load(b, "BTCUSDT", "2020-01-01T00:00:00Z", "2020-12-13T05:20:00Z")
		copied := stack.copyRows(b, "BTCUSDT")
		stack.load(b, "ETHUSDT", "2020-01-01T00:00:00Z", "2020-12-13T05:20:00Z")
		worker := stack.peakMiB(b, "worker")
		served, bare := stack.read(b, "BTCUSDT"), stack.readBare(b, "BTCUSDT")
		stack.pageThrough(b, "BTCUSDT", "ETHUSDT")
		door := stack.peakMiB(b, "api")
		b.ReportMetric(first, "bars/s")
		b.ReportMetric(first/copied, "x-of-copy")
		b.ReportMetric(served, "rows/s-served")
		b.ReportMetric(served/bare, "read-x-of-pgx")
		b.ReportMetric(worker, "worker-MiB")
		b.ReportMetric(door, "api-MiB")
		if os.Getenv("MARKETDATA_BENCH_ENFORCE") != "" {
			require.GreaterOrEqual(b, served/bare, 0.5, "reading over HTTP against bare pgx")
			require.LessOrEqual(b, worker, 256.0, "memory of the worker in MiB")
			require.LessOrEqual(b, door, 128.0, "memory of the API in MiB")
		}
	}
}

type devStack struct {
	state devState
	pool  *pgxpool.Pool
}

// startDev builds the program and runs its local stack on free ports.
func startDev(b *testing.B) *devStack {
	b.Helper()
	dir := b.TempDir()
	program := filepath.Join(dir, "marketdata")
	output, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "../cmd/marketdata").CombinedOutput()
	require.NoError(b, err, string(output))
	bin, err := filepath.Abs("../bin")
	require.NoError(b, err)
	data := filepath.Join(dir, "data")
	command := exec.CommandContext(b.Context(), program, "dev", "--no-demo", "--data-dir", data,
		"--api-port", "0", "--sim-port", "0", "--temporal-port", "0", "--temporal-ui-port", "0")
	command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "MD_LOG__LEVEL=error", "MD_WORKER__LISTEN=127.0.0.1:0")
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = time.Minute
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	require.NoError(b, command.Start())
	b.Cleanup(func() {
		require.NoError(b, command.Process.Signal(syscall.SIGTERM))
		_ = command.Wait() // how it ended is not what is measured
	})
	s := &devStack{}
	require.Eventually(b, func() bool {
		text, err := os.ReadFile(filepath.Join(data, "dev.json"))
		if err != nil || json.Unmarshal(text, &s.state) != nil || s.state.URLs["api"] == "" {
			return false
		}
		response, err := http.Get(s.state.URLs["api"] + "/ready")
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, 2*time.Minute, 200*time.Millisecond, "dev does not come up")
	s.pool, err = pgxpool.New(b.Context(), s.state.DatabaseURL+"&pool_max_conns=8")
	require.NoError(b, err)
	b.Cleanup(s.pool.Close)
	return s
}

func (s *devStack) post(b *testing.B, path string, body any) []byte {
	b.Helper()
	text, err := json.Marshal(body)
	require.NoError(b, err)
	response, err := http.Post(s.state.URLs["api"]+path, "application/json", bytes.NewReader(text))
	require.NoError(b, err)
	defer func() { require.NoError(b, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(b, err)
	require.Less(b, response.StatusCode, 300, string(answer))
	return answer
}

// load backfills one-minute bars and returns the rate in bars per second.
func (s *devStack) load(b *testing.B, symbol, start, end string) float64 {
	b.Helper()
	s.post(b, "/v1/instruments", map[string]any{
		"symbol": symbol, "venue": market.VenueSimulated, "asset_class": "crypto", "currency": "USDT",
		"providers": []any{map[string]string{"name": providerName, "symbol": symbol}},
	})
	began := time.Now()
	var job backfill
	require.NoError(b, json.Unmarshal(s.post(b, "/v1/backfills", map[string]any{
		"instruments": []string{symbol + ".SIM"}, "interval": "1m", "start": start, "end": end, "policy": "all", "concurrency": 8,
	}), &job))
	require.Eventually(b, func() bool {
		response, err := http.Get(s.state.URLs["api"] + "/v1/backfills/" + job.ID)
		require.NoError(b, err)
		defer func() { require.NoError(b, response.Body.Close()) }()
		require.NoError(b, json.NewDecoder(response.Body).Decode(&job))
		return isFinished(job)
	}, 5*time.Minute, 20*time.Millisecond)
	took := time.Since(began)
	require.Equal(b, "completed", job.Status)
	bars := job.Progress.Bars.Inserted + job.Progress.Bars.Unchanged
	require.Equal(b, int64(500_000), bars)
	return float64(bars) / took.Seconds()
}

const rowsQuery = `FROM bar WHERE series_id = (SELECT s.id FROM series s JOIN instrument i ON i.id = s.instrument_id
	WHERE i.symbol = '%s' AND s."interval" = '1m') AND ts >= '2020-01-01' AND ts < '2021-01-01'`

// copyRows copies the same rows as text into the same table under another series, 20,000 a transaction, and returns the
// rate in rows per second.
func (s *devStack) copyRows(b *testing.B, symbol string) float64 {
	b.Helper()
	var text bytes.Buffer
	conn, err := pgx.Connect(b.Context(), s.state.DatabaseURL)
	require.NoError(b, err)
	defer func() { require.NoError(b, conn.Close(context.Background())) }()
	_, err = conn.PgConn().CopyTo(b.Context(), &text, "COPY (SELECT -1, ts, open, high, low, close, volume, vwap, turnover, trades, load_id "+
		fmt.Sprintf(rowsQuery, symbol)+" ORDER BY ts) TO STDOUT")
	require.NoError(b, err)
	lines := bytes.SplitAfter(bytes.TrimSpace(text.Bytes()), []byte("\n"))
	began := time.Now()
	for at := 0; at < len(lines); at += 20_000 {
		chunk := bytes.Join(lines[at:min(at+20_000, len(lines))], nil)
		_, err := conn.PgConn().CopyFrom(b.Context(), bytes.NewReader(chunk), "COPY bar FROM STDIN")
		require.NoError(b, err)
	}
	rate := float64(len(lines)) / time.Since(began).Seconds()
	_, err = conn.Exec(b.Context(), "DELETE FROM bar WHERE series_id = -1 AND ts >= '2020-01-01' AND ts < '2021-01-01'")
	require.NoError(b, err)
	return rate
}

const (
	readers      = 8
	readRequests = 50 // per reader
	readLimit    = 1000
)

func readStart(reader, request int) time.Time {
	return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration((reader*readRequests+request)*readLimit) * time.Minute)
}

// read asks for pages with 8 keep-alive clients and returns rows per second.
func (s *devStack) read(b *testing.B, symbol string) float64 {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: readers}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	return inParallel(b, func(reader, request int) int {
		start := readStart(reader, request)
		target := fmt.Sprintf("%s/v1/instruments/%s.SIM/bars?interval=1m&start=%s&end=%s&limit=%d", s.state.URLs["api"], symbol,
			start.Format(time.RFC3339), start.Add(readLimit*time.Minute).Format(time.RFC3339), readLimit)
		response, err := client.Get(target)
		if err != nil {
			return 0
		}
		defer func() { _ = response.Body.Close() }()
		body := make([]byte, response.ContentLength) // pages are sent whole
		if _, err := io.ReadFull(response.Body, body); err != nil {
			return 0
		}
		return bytes.Count(body, []byte(`{"ts":`))
	})
}

// readBare reads the same rows with pgx alone, 8 connections, and returns rows per second.
func (s *devStack) readBare(b *testing.B, symbol string) float64 {
	b.Helper()
	var series int64
	require.NoError(b, s.pool.QueryRow(b.Context(), `SELECT s.id FROM series s JOIN instrument i ON i.id = s.instrument_id
		WHERE i.symbol = $1 AND s."interval" = '1m'`, symbol).Scan(&series))
	formats := pgx.QueryResultFormats{1, 0, 0, 0, 0, 0, 0, 0, 0}
	return inParallel(b, func(reader, request int) int {
		start := readStart(reader, request)
		rows, err := s.pool.Query(b.Context(), `SELECT ts, open, high, low, close, volume, vwap, turnover, trades FROM bar
			WHERE series_id = $1 AND ts >= $2 AND ts < $3 ORDER BY ts LIMIT $4`, formats, series, start, start.Add(readLimit*time.Minute), readLimit)
		if err != nil {
			return 0
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			if len(rows.RawValues()) == 9 {
				n++
			}
		}
		return n
	})
}

func inParallel(b *testing.B, read func(reader, request int) int) float64 {
	b.Helper()
	var total atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for reader := range readers {
		group.Go(func() {
			for request := range readRequests {
				total.Add(int64(read(reader, request)))
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	require.Equal(b, int64(readers*readRequests*readLimit), total.Load())
	return float64(total.Load()) / took.Seconds()
}

// pageThrough reads whole series page by page, as a client would.
func (s *devStack) pageThrough(b *testing.B, symbols ...string) {
	b.Helper()
	for _, symbol := range symbols {
		query := fmt.Sprintf("%s/v1/instruments/%s.SIM/bars?interval=1m&start=2020-01-01&end=2020-12-13T05:20:00Z&limit=10000", s.state.URLs["api"], symbol)
		for next := query; next != ""; {
			response, err := http.Get(next)
			require.NoError(b, err)
			var p page
			require.NoError(b, json.NewDecoder(response.Body).Decode(&p))
			require.NoError(b, response.Body.Close())
			next = ""
			if p.NextCursor != nil {
				next = query + "&cursor=" + *p.NextCursor
			}
		}
	}
}

// peakMiB is the peak resident memory of a child.
func (s *devStack) peakMiB(b *testing.B, name string) float64 {
	b.Helper()
	for _, p := range s.state.Processes {
		if p.Name != name {
			continue
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
		require.NoError(b, err)
		for line := range strings.Lines(string(status)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
				kib, err := strconv.ParseFloat(fields[1], 64)
				require.NoError(b, err)
				return kib / 1024
			}
		}
	}
	require.FailNow(b, "no process named "+name)
	return 0
}
