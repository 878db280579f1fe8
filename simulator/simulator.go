package simulator

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"marketdata/market"
)

// maxControlBody bounds what the control endpoints read.
const maxControlBody = 1 << 20

// Options say what the simulator plays.
type Options struct {
	Seed    int64            // the synthetic market follows from it alone
	Now     func() time.Time // the clock, required; bars that close after it are still forming
	Logger  *slog.Logger     // each request at debug level; nil for none
	Replays []*Replay        // real histories; each takes the place of the synthetic symbol of its name
}

// Simulator is an http.Handler. It is safe for concurrent use.
type Simulator struct {
	router  *http.ServeMux
	symbols map[string]source
	names   []string // of the symbols, in order of listing in exchangeInfo
	now     func() time.Time
	logger  *slog.Logger
	faults  *faults
	stats   *stats
}

// New returns a simulator. Errors: invalid without a clock and for two replays of one symbol.
func New(o Options) (*Simulator, error) {
	if o.Now == nil {
		return nil, market.Errorf(market.KindInvalid, "the simulator needs a clock")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Simulator{
		router: http.NewServeMux(), symbols: map[string]source{}, now: o.Now, logger: o.Logger,
		faults: newFaults(o.Seed, o.Now), stats: newStats(o.Now),
	}
	for _, replay := range o.Replays {
		if _, isTaken := s.symbols[replay.symbol]; isTaken {
			return nil, market.Errorf(market.KindInvalid, "symbol %s is replayed twice", replay.symbol)
		}
		s.symbols[replay.symbol] = replay
		s.names = append(s.names, replay.symbol)
	}
	infos, err := syntheticSymbols()
	if err != nil {
		return nil, err
	}
	for _, info := range infos {
		if _, isTaken := s.symbols[info.symbol]; !isTaken {
			s.symbols[info.symbol] = newSynthetic(o.Seed, info)
			s.names = append(s.names, info.symbol)
		}
	}
	s.router.HandleFunc("GET /_sim/health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	s.router.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { // what marketdata health asks
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	})
	s.router.HandleFunc("GET /_sim/faults", s.listFaults)
	s.router.HandleFunc("POST /_sim/faults", s.addFaults)
	s.router.HandleFunc("DELETE /_sim/faults", s.clearFaults)
	s.router.HandleFunc("GET /_sim/stats", s.showStats)
	s.router.HandleFunc("DELETE /_sim/stats", s.clearStats)
	s.router.HandleFunc("GET /_sim/bars", s.showBars)
	s.routeBinance()
	s.routeYahoo()
	s.routeCoinbase()
	return s, nil
}

// ServeHTTP answers one request.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone; nobody is left to tell
}
