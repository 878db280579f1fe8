package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"marketdata/market"
)

// Limits of one request and of the server's connections.
const (
	maxBodyBytes   = 1 << 20
	maxDrainBytes  = 32 << 20
	maxHeaderBytes = 64 << 10

	defaultRequestTimeout = 30 * time.Second
	readHeaderTimeout     = 5 * time.Second
	readTimeout           = 30 * time.Second
	writeTimeout          = 60 * time.Second
	idleTimeout           = 2 * time.Minute
)

// Options is what the API is built from. Store, Orchestrator, Scheduler, Now and Logger are required.
type Options struct {
	Store        Store
	Orchestrator Orchestrator
	Scheduler    Scheduler
	Providers    []market.ProviderInstance // all configured instances, also disabled ones
	Now          func() time.Time
	Logger       *slog.Logger
	Version      VersionInfo
	Webhooks     []string // names of the enabled webhooks, for tests of them
	// URL is where the API is found; pages of browsers may use its host's name, besides addresses and localhost.
	URL string
	// RequestTimeout bounds the work of one request; 0 means 30 s.
	RequestTimeout time.Duration
	// Recorder counts requests; nil counts none.
	Recorder Recorder
	// Metrics answers GET /metrics, which is no part of the OpenAPI document; nil: there is no such path.
	Metrics http.Handler
}

// VersionInfo says which build answers. BuiltAt is RFC 3339, or "" where unknown.
type VersionInfo struct {
	Version string `json:"version" example:"1.0.0" doc:"Release of the platform."`
	Commit  string `json:"commit" example:"4f2c1e7" doc:"Commit it was built from."`
	BuiltAt string `json:"built_at" example:"2024-01-02T00:00:00Z" doc:"When it was built."`
	Go      string `json:"go" example:"go1.26.8" doc:"Go release it was built with."`
}

// server holds what the handlers share. It is immutable once built and safe for concurrent use.
type server struct {
	store        Store
	orchestrator Orchestrator
	scheduler    Scheduler
	providers    providerSet
	now          func() time.Time
	logger       *slog.Logger
	version      VersionInfo
	webhooks     []string
	host         string
	timeout      time.Duration
	recorder     Recorder
	huma         huma.API
	router       *chi.Mux
	buffers      *bufferPool
}

// New returns the handler of the whole API.
func New(o Options) http.Handler {
	s := &server{
		store:        o.Store,
		orchestrator: o.Orchestrator,
		scheduler:    o.Scheduler,
		providers:    o.Providers,
		now:          o.Now,
		logger:       o.Logger,
		version:      o.Version,
		webhooks:     o.Webhooks,
		host:         hostOf(o.URL),
		timeout:      o.RequestTimeout,
		recorder:     o.Recorder,
		router:       chi.NewMux(),
		buffers:      &bufferPool{},
	}
	if s.timeout <= 0 {
		s.timeout = defaultRequestTimeout
	}
	s.router.Use(s.identify, s.logAccess, s.recoverPanic, s.refuseForeign, s.bound, s.checkQuery, s.readBody, chimiddleware.GetHead)
	s.router.NotFound(s.notFound)
	s.router.MethodNotAllowed(s.methodNotAllowed)
	s.huma = newHuma(s)
	s.registerHealth()
	s.registerInstruments()
	s.registerBars()
	s.registerBackfills()
	s.registerSchedules()
	s.registerProviders()
	s.registerAlerts()
	s.registerCalendars()
	s.registerProblems()
	s.serveOpenAPI()
	if o.Metrics != nil {
		s.router.Method(http.MethodGet, routeMetrics, o.Metrics)
	}
	return s.router
}

// NewServer returns an HTTP server for the handler with every timeout set; errors of connections go to the logger.
// The caller listens and shuts down.
func NewServer(addr string, handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}
