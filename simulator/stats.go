package simulator

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"marketdata/market"
)

const (
	logSize = 100_000
	minute  = time.Minute
)

// entry is one request as logged.
type entry struct {
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Query  string    `json:"query"`
	Status int       `json:"status"`
}

// stats counts the requests to the providers' paths; the control paths do not count.
type stats struct {
	now func() time.Time

	mu       sync.Mutex
	total    int
	byPath   map[string]int
	byStatus map[string]int
	bySymbol map[string]int
	log      []entry // a ring once it is full
	next     int
	weights  map[int64]int // by minute
}

func newStats(now func() time.Time) *stats {
	s := &stats{now: now}
	s.reset()
	return s
}

func (s *stats) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total, s.next, s.log = 0, 0, nil
	s.byPath, s.byStatus, s.bySymbol, s.weights = map[string]int{}, map[string]int{}, map[string]int{}, map[int64]int{}
}

// begin counts the weight of a request and returns what this minute has used.
func (s *stats) begin(weight int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.now().Truncate(minute).Unix()
	for old := range s.weights {
		if old < at {
			delete(s.weights, old)
		}
	}
	s.weights[at] += weight
	return s.weights[at]
}

// count adds a request that came at a time.
func (s *stats) count(at time.Time, r *http.Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total++
	s.byPath[r.URL.Path]++
	s.byStatus[strconv.Itoa(status)]++
	if symbol := symbolOf(r); symbol != "" {
		s.bySymbol[symbol]++
	}
	e := entry{At: at.UTC(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Status: status}
	if len(s.log) < logSize {
		s.log = append(s.log, e)
		return
	}
	s.log[s.next] = e
	s.next = (s.next + 1) % logSize
}

// statsAnswer is the body of GET /_sim/stats; log holds the last 100,000 requests, oldest first.
type statsAnswer struct {
	Requests int            `json:"requests"`
	ByPath   map[string]int `json:"by_path"`
	ByStatus map[string]int `json:"by_status"`
	BySymbol map[string]int `json:"by_symbol"`
	Log      []entry        `json:"log,omitempty"`
}

// showStats answers GET /_sim/stats; log=0 leaves the log out, since=RFC3339 its older part.
func (s *Simulator) showStats(w http.ResponseWriter, r *http.Request) {
	var since time.Time
	if text := r.URL.Query().Get("since"); text != "" {
		at, err := market.ParseTime(text)
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "since: " + err.Error()})
			return
		}
		since = at
	}
	st := s.stats
	st.mu.Lock()
	answer := statsAnswer{Requests: st.total, ByPath: maps.Clone(st.byPath), ByStatus: maps.Clone(st.byStatus), BySymbol: maps.Clone(st.bySymbol)}
	if r.URL.Query().Get("log") != "0" {
		for i := range st.log {
			if e := st.log[(st.next+i)%len(st.log)]; !e.At.Before(since) {
				answer.Log = append(answer.Log, e)
			}
		}
	}
	st.mu.Unlock()
	writeJSON(w, http.StatusOK, answer)
}

// clearStats answers DELETE /_sim/stats.
func (s *Simulator) clearStats(w http.ResponseWriter, _ *http.Request) {
	s.stats.reset()
	w.WriteHeader(http.StatusNoContent)
}

// recorder counts a request as its answer begins, so that whoever has read an answer finds it counted.
type recorder struct {
	http.ResponseWriter
	count     func(status int)
	isCounted bool
}

func (r *recorder) WriteHeader(status int) {
	r.begin(status)
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.begin(http.StatusOK)
	return r.ResponseWriter.Write(b)
}

// begin counts once; an answer without a status is one of 200.
func (r *recorder) begin(status int) {
	if !r.isCounted {
		r.isCounted = true
		r.count(status)
	}
}

// symbolOf returns the provider's code of what is asked for, wherever the provider wants it to stand, or "".
func symbolOf(r *http.Request) string {
	return cmp.Or(r.PathValue("symbol"), r.URL.Query().Get("symbol"))
}

// observe counts a request, lets faults answer in its place, and logs it. Only Binance weighs requests and tells what has
// been used; weight 0 is of the others.
func (s *Simulator) observe(weight int, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at := s.now()
		if weight > 0 {
			w.Header().Set("X-Mbx-Used-Weight-1m", strconv.Itoa(s.stats.begin(weight)))
		}
		record := &recorder{ResponseWriter: w, count: func(status int) {
			s.stats.count(at, r, status)
			s.logger.DebugContext(r.Context(), "request is answered", "path", r.URL.Path, "query", r.URL.RawQuery, "status", status)
		}}
		defer func() { record.begin(http.StatusOK) }()
		if !s.faults.answer(record, r) {
			next(record, r)
		}
	}
}
