package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"marketdata/market"
	"marketdata/trace"
)

const requestIDHeader = "X-Request-Id"

// requestID returns the id of the request, "" outside of one.
func requestID(ctx context.Context) string { return trace.RequestID(ctx) }

// identify gives the request an id, the client's own where it is sane, and sends it back.
func (s *server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !trace.IsSane(id) {
			id = newID()
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(trace.WithRequestID(r.Context(), id)))
	})
}

// newID returns a UUIDv7: unique, and ordered by time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// logAccess writes one line per request. The route is the pattern, so that lines can be counted by it.
func (s *server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.now()
		out := &response{ResponseWriter: w}
		ended := s.count(r)
		defer func() {
			route, took, level := s.matched(r), s.now().Sub(began), slog.LevelInfo
			if route == routeMetrics {
				level = slog.LevelDebug
			}
			ended(route, out.status, took)
			s.logger.LogAttrs(r.Context(), level, "request",
				slog.String("method", r.Method),
				slog.String("route", route),
				slog.Int("status", out.status),
				slog.Int64("bytes", out.bytes),
				slog.Duration("duration", took),
				slog.String("request_id", requestID(r.Context())))
		}()
		next.ServeHTTP(out, r)
		out.finish()
	})
}

// recoverPanic answers a panic with a problem, or, where an answer had begun, cuts the connection so that the client
// notices.
func (s *server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			out, _ := w.(*response)
			if cause == http.ErrAbortHandler || out == nil || out.isSent { //nolint:errorlint // a panic value is no chain
				panic(cause)
			}
			s.logger.LogAttrs(r.Context(), slog.LevelError, "handler panicked",
				slog.String("request_id", requestID(r.Context())), slog.String("error", fmt.Sprint(cause)),
				slog.String("stack", string(debug.Stack())))
			out.status = 0
			out.Header().Del("Content-Length")
			s.writeProblem(out, s.newProblem(r.Context(), market.KindInternal, 0, ""))
		}()
		next.ServeHTTP(w, r)
	})
}

// bound gives the work of a request a deadline.
func (s *server) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// checkQuery refuses query strings of which a part would be ignored: broken escapes, parameters given twice, and bytes
// that are no text.
func (s *server) checkQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if places := queryFaults(r.URL.RawQuery); len(places) > 0 {
			s.writeProblem(w, s.problemOf(r.Context(), invalid(places)))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// queryFaults returns what is wrong with a query string as such.
func queryFaults(raw string) []problemError {
	if raw == "" {
		return nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return []problemError{{Location: "query", Message: "the query string cannot be read: an escape is broken"}}
	}
	var places []problemError
	for name, given := range values {
		switch {
		case !isText(name):
			places = append(places, problemError{Location: "query", Message: "the name of a parameter is no text"})
		case len(given) > 1:
			places = append(places, problemError{Location: "query." + name, Message: "given more than once"})
		case !isText(given[0]):
			places = append(places, problemError{Location: "query." + name, Message: "no text: control characters or broken UTF-8"})
		}
	}
	slices.SortFunc(places, func(a, b problemError) int { return strings.Compare(a.Location, b.Location) })
	return places
}

// isText reports whether text is valid UTF-8 without control characters.
func isText(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, unicode.IsControl) < 0
}

// readBody reads a body whole before anything looks at it: too large, cut and foreign ones are refused here.
func (s *server) readBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		body, err := takeBody(r)
		if err != nil {
			w.Header().Set("Connection", "close")
			s.writeProblem(w, s.problemOf(r.Context(), err))
			return
		}
		// What goes nowhere is answered with 404 or 405, whatever it carries.
		if len(body) > 0 && s.router.Match(chi.NewRouteContext(), r.Method, r.URL.Path) {
			mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if r.Header.Get("Content-Type") != "" && (err != nil || mediaType != "application/json") {
				s.writeProblem(w, s.problemOf(r.Context(), &fault{
					kind: market.KindInvalid, status: http.StatusUnsupportedMediaType, detail: "the body must be application/json",
				}))
				return
			}
			if err := checkMembers(body); err != nil {
				s.writeProblem(w, s.problemOf(r.Context(), err))
				return
			}
			r.Header.Set("Content-Type", "application/json")
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// takeBody returns the request's body of at most maxBodyBytes. What is too large is read on for a while without being
// kept, so that a client that sends before it listens gets the answer.
func takeBody(r *http.Request) ([]byte, error) {
	var body []byte
	var err error
	if r.ContentLength <= maxBodyBytes {
		body, err = io.ReadAll(io.LimitReader(r.Body, maxBodyBytes+1))
	}
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, &fault{kind: market.KindInvalid, status: http.StatusRequestTimeout, detail: "the body did not arrive in time", cause: err}
	case err != nil:
		return nil, &fault{kind: market.KindInvalid, status: http.StatusBadRequest, detail: "the body was cut", cause: err}
	case r.ContentLength > maxBodyBytes || len(body) > maxBodyBytes:
		if !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			_, _ = io.CopyN(io.Discard, r.Body, maxDrainBytes) // best effort
		}
		return nil, &fault{kind: market.KindInvalid, status: http.StatusRequestEntityTooLarge, detail: "the body is larger than 1 MiB"}
	}
	return body, nil
}

// notFound answers a path that does not exist.
func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	s.writeProblem(w, s.newProblem(r.Context(), market.KindNotFound, 0, "there is no such path; /openapi.json lists all"))
}

// methodNotAllowed answers a method the path does not have, and OPTIONS; both name those it has.
func (s *server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	allowed := s.allowedMethods(r)
	if len(allowed) == 0 {
		s.notFound(w, r)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.writeProblem(w, s.newProblem(r.Context(), market.KindInvalid, http.StatusMethodNotAllowed,
		"the path does not have this method; it has "+strings.Join(allowed, ", ")))
}

// allowedMethods returns the methods the request's path has.
func (s *server) allowedMethods(r *http.Request) []string {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if !s.router.Match(chi.NewRouteContext(), method, path) {
			continue
		}
		allowed = append(allowed, method)
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	return allowed
}
