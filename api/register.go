package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// register adds an operation; there is no other way. The handler's errors become problem documents, and every status
// of op.Errors, those any request can meet, and the problem schema are described in the OpenAPI document.
func register[I, O any](s *server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	statuses := append(op.Errors, http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusServiceUnavailable)
	if op.Method != http.MethodGet {
		statuses = append(statuses, http.StatusForbidden) // refuseForeign
	}
	if op.Method == http.MethodPost {
		statuses = append(statuses, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	op.Errors = nil
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	for _, status := range slices.Compact(slices.Sorted(slices.Values(statuses))) {
		if code := strconv.Itoa(status); op.Responses[code] == nil {
			op.Responses[code] = s.problemResponse(status)
		}
	}
	op.MaxBodyBytes = -1 // readBody has bounded it
	// The body is read already: a deadline set now would end five seconds later, while the handler works, and the server
	// then cancels this request and every later one on its connection.
	op.BodyReadTimeout = -1
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
}

// problemResponse describes an answer that is a problem document.
func (s *server) problemResponse(status int) *huma.Response {
	schema := s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "Problem")
	return &huma.Response{
		Description: http.StatusText(status),
		Content: map[string]*huma.MediaType{
			problemContentType: {Schema: schema, Example: exampleProblem(status)},
		},
	}
}

// jsonResponse describes an answer with a JSON body.
func jsonResponse[T any](s *server, description string) *huma.Response {
	schema := s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
	return &huma.Response{
		Description: description,
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}
}
