package api

import (
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

const apiDescription = `Historical OHLCV bars of stocks, indices and crypto, complete and exact.

* Ranges are half-open: [start, end). Times are RFC 3339 in UTC; inputs may carry any offset, or be a date (midnight UTC).
* Prices and volumes are JSON numbers with the exact stored digits.
* Lists are ` + "`{\"data\": […], \"meta\": {…}, \"next_cursor\": …}`" + `; pass next_cursor as cursor, with the same query, for the next page.
* Errors are RFC 9457 problem documents; their type leads to an explanation.`

// newHuma returns huma on the router, without its own documentation pages, schema links and error documents.
func newHuma(s *server) huma.API {
	config := huma.DefaultConfig("Market data", s.version.Version)
	config.Info.Description = apiDescription
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Tags = []*huma.Tag{
		{Name: "Instruments", Description: "What is traded, and which providers know it under which symbol."},
		{Name: "Bars", Description: "Stored bars, and why a stretch has none."},
		{Name: "Backfills", Description: "Requests to load a range of history."},
		{Name: "Calendars", Description: "When exchanges are open."},
		{Name: "Providers", Description: "Configured sources of data and their request budgets."},
		{Name: "Alerts", Description: "What is the matter, and which webhooks were told."},
		{Name: "Health", Description: "Whether the service works."},
		{Name: "Problems", Description: "What the errors mean."},
	}
	config.CreateHooks = nil
	config.SchemasPath, config.DocsPath, config.OpenAPIPath = "", "", ""
	config.RejectUnknownQueryParameters = true
	config.Formats = map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()} // the second for …+json
	config.Transformers = []huma.Transformer{s.toProblem}
	return humachi.New(s.router, config)
}

// serveOpenAPI finishes the description of all operations and serves it; it is rendered when first asked for.
func (s *server) serveOpenAPI() {
	document := s.huma.OpenAPI()
	tidySchemas(document.Components.Schemas.Map())
	s.router.Get("/openapi.json", s.serveDocument("application/openapi+json", document.MarshalJSON))
	s.router.Get("/openapi.yaml", s.serveDocument("application/openapi+yaml", document.YAML))
}

func (s *server) serveDocument(contentType string, render func() ([]byte, error)) http.HandlerFunc {
	renderOnce := sync.OnceValues(render)
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := renderOnce()
		if err != nil {
			s.writeProblem(w, s.problemOf(r.Context(), err))
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusOK)
		_ = writeWhole(w, body) // the client has gone; nobody is left to tell
	}
}

// tidySchemas removes huma's own error schemas, which are never sent, says that lists are never null, and leaves
// answers open for members to come; bodies of requests (…Input) stay closed.
func tidySchemas(schemas map[string]*huma.Schema) {
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for name, schema := range schemas {
		if !strings.HasSuffix(name, "Input") {
			schema.AdditionalProperties = nil
		}
		for _, property := range schema.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false
			}
		}
	}
}
