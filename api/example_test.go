package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"marketdata/api"
)

func ExampleNew() {
	handler := api.New(api.Options{
		Store:        &fakeStore{},        // *db.DB
		Orchestrator: &fakeOrchestrator{}, // *workflows.Client
		Now:          time.Now,
		Logger:       slog.New(slog.DiscardHandler),
	})
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/health", nil))
	fmt.Print(recorder.Code, " ", recorder.Body)
	// Output: 200 {"status":"ok"}
}
