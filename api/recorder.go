package api

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// routeMetrics is where Options.Metrics answers. It is scraped without pause, so it is neither counted nor logged at info.
const routeMetrics = "/metrics"

// Recorder counts requests.
type Recorder interface {
	// RequestBegan is called with the head of each request, RequestEnded after its answer. route is the pattern of the
	// path, "" where there is no such path; status is 0 where the connection was cut before an answer began.
	RequestBegan()
	RequestEnded(method, route string, status int, took time.Duration)
}

// count tells the recorder that a request began and returns what tells how it ended.
func (s *server) count(r *http.Request) (ended func(route string, status int, took time.Duration)) {
	if s.recorder == nil || r.URL.Path == routeMetrics {
		return func(string, int, time.Duration) {}
	}
	s.recorder.RequestBegan()
	return func(route string, status int, took time.Duration) {
		s.recorder.RequestEnded(r.Method, route, status, took)
	}
}

// matched returns the pattern of the request's path, also where the request was refused before it was routed or has a
// method that the path lacks; "" where there is no such path.
func (s *server) matched(r *http.Request) string {
	if pattern := chi.RouteContext(r.Context()).RoutePattern(); pattern != "" {
		return pattern
	}
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	for _, method := range []string{r.Method, http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		routes := chi.NewRouteContext()
		if s.router.Match(routes, method, path) {
			return routes.RoutePattern()
		}
	}
	return ""
}
