package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

const problemContentType = "application/problem+json"

// problem is an RFC 9457 problem document. It is also the error huma writes.
type problem struct {
	Type       string         `json:"type" example:"/problems/invalid" doc:"What kind of problem it is: a path that explains it."`
	Title      string         `json:"title" example:"The request is not valid" doc:"The kind in words; the same for all problems of a kind."`
	Status     int            `json:"status" example:"422" doc:"HTTP status."`
	Detail     string         `json:"detail" example:"query.limit: expected number >= 1" doc:"What is wrong this time."`
	RequestID  string         `json:"request_id" example:"0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d" doc:"The id of the request, also in the header X-Request-Id and in the server's log."`
	Errors     []problemError `json:"errors,omitempty" doc:"Every place of the request that is wrong."`
	BackfillID string         `json:"backfill_id,omitempty" doc:"On 409 of a new backfill: the unfinished one that does the same."`

	retryAfterSeconds int
}

// problemError points at one place of a request.
type problemError struct {
	Location string `json:"location" example:"query.limit" doc:"Where: path.…, query.…, header.… or body.…"`
	Message  string `json:"message" example:"expected number >= 1" doc:"What is wrong there."`
}

// Error returns the detail.
func (p *problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status; huma asks for it.
func (p *problem) GetStatus() int { return p.Status }

// ContentType returns the media type of problem documents; huma asks for it.
func (p *problem) ContentType(string) string { return problemContentType }

// GetHeaders returns Retry-After where there is something to wait for; huma asks for it.
func (p *problem) GetHeaders() http.Header {
	header := http.Header{}
	if p.retryAfterSeconds > 0 {
		header.Set("Retry-After", strconv.Itoa(p.retryAfterSeconds))
	}
	return header
}

// problemKind explains one kind of problem.
type problemKind struct {
	Type        string      `json:"type" example:"/problems/not_found" doc:"The type member of such problems."`
	Kind        market.Kind `json:"kind" example:"not_found" doc:"Name of the kind."`
	Title       string      `json:"title" example:"There is no such thing" doc:"The kind in words."`
	Status      int         `json:"status" example:"404" doc:"The usual HTTP status."`
	Description string      `json:"description" doc:"When it happens."`
	Remedy      string      `json:"remedy" doc:"What to do about it."`
}

// kindOf explains a kind.
func kindOf(kind market.Kind) problemKind {
	k := problemKind{Type: "/problems/" + string(kind), Kind: kind}
	switch kind {
	case market.KindInvalid:
		k.Title, k.Status = "The request is not valid", http.StatusUnprocessableEntity
		k.Description = "Something in the request is wrong: a parameter, a field, a range, a cursor. A body that is not JSON answers 400, " +
			"a method the path does not have 405, a body above 1 MiB 413, a media type other than JSON 415."
		k.Remedy = "Read errors: each entry names a place of the request and what is wrong there. Repeating the request unchanged does not help."
	case market.KindNotFound:
		k.Title, k.Status = "There is no such thing", http.StatusNotFound
		k.Description = "The path, the instrument, the backfill or the provider is not known."
		k.Remedy = "List what is known (GET /v1/instruments, /v1/backfills, /v1/providers), or register the instrument first."
	case market.KindConflict:
		k.Title, k.Status = "It contradicts what is there", http.StatusConflict
		k.Description = "An unfinished backfill already does this (backfill_id names it), the action does not apply to its state, " +
			"or an instrument is registered with other values."
		k.Remedy = "Look at the named resource; wait for it, cancel it, or send values that agree with it."
	case market.KindDenied:
		k.Title, k.Status = "It is not allowed", http.StatusForbidden
		k.Description = "A provider refuses a key, a plan or a region; or a browser sent, for a page of another origin, " +
			"a request that changes something."
		k.Remedy = "Check the key in the configuration and what the provider's plan allows. Pages of other origins may only read."
	case market.KindMalformed:
		k.Title, k.Status = "A provider's answer cannot be read", http.StatusBadGateway
		k.Description = "A provider answered something it does not document. Its answer is kept for inspection."
		k.Remedy = "An operator must look: the provider may have changed its format."
	case market.KindRateLimited:
		k.Title, k.Status = "A request budget is used up", http.StatusTooManyRequests
		k.Description = "More requests were made than the budget allows."
		k.Remedy = "Wait as long as the header Retry-After says, then repeat the request."
	case market.KindUnavailable:
		k.Title, k.Status = "A part of the platform cannot be reached", http.StatusServiceUnavailable
		k.Description = "The database or the workflow engine did not answer in time."
		k.Remedy = "Wait as long as the header Retry-After says, then repeat the request; GET /ready says which part is missing."
	case market.KindInternal:
		k.Title, k.Status = "Something went wrong on our side", http.StatusInternalServerError
		k.Description = "An error nobody foresaw. Its text is in the server's log, under the request_id."
		k.Remedy = "Report the request_id to the operator."
	}
	return k
}

type problemInput struct {
	Kind string `path:"kind" example:"not_found" maxLength:"64" doc:"A kind, as in the type of a problem."`
}

type problemOutput struct {
	Body problemKind
}

// registerProblems adds the explanations to which every problem's type leads.
func (s *server) registerProblems() {
	register(s, huma.Operation{
		OperationID: "get-problem-kind", Method: http.MethodGet, Path: "/problems/{kind}", Tags: []string{"Problems"},
		Summary:     "Explain a kind of problem",
		Description: "Every error is an application/problem+json document whose type is the path of this operation.",
		Errors:      []int{http.StatusNotFound},
	}, func(_ context.Context, in *problemInput) (*problemOutput, error) {
		for _, kind := range market.Kinds() {
			if in.Kind == string(kind) {
				return &problemOutput{Body: kindOf(kind)}, nil
			}
		}
		return nil, market.Errorf(market.KindNotFound, "there is no such kind of problem")
	})
}

// exampleProblem shows a problem document of the status in the OpenAPI document.
func exampleProblem(status int) problem {
	kind := kindOf(kindOfStatus(status))
	return problem{
		Type: kind.Type, Title: kind.Title, Status: status, Detail: kind.Description,
		RequestID: "0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d",
	}
}
