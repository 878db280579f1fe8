package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const checkTimeout = 2 * time.Second

type healthOutput struct {
	Body struct {
		Status string `json:"status" enum:"ok" example:"ok" doc:"Always ok: the process answers."`
	}
}

type versionOutput struct {
	Body VersionInfo
}

// readiness is the body of GET /ready.
type readiness struct {
	Status string      `json:"status" enum:"ready,degraded,unavailable" example:"ready" doc:"degraded: reads are served, backfills cannot be started. unavailable: reads cannot be served."`
	Checks readyChecks `json:"checks"`
}

type readyChecks struct {
	Database   readyCheck `json:"database"`
	Migrations readyCheck `json:"migrations"`
	Temporal   readyCheck `json:"temporal"`
}

type readyCheck struct {
	OK    bool   `json:"ok" example:"true"`
	Error string `json:"error,omitempty" doc:"What is wrong."`
}

type readyOutput struct {
	Status int
	Body   readiness
}

// registerHealth adds what probes ask for.
func (s *server) registerHealth() {
	tags := []string{"Health"}
	register(s, huma.Operation{
		OperationID: "get-health", Method: http.MethodGet, Path: "/health", Tags: tags,
		Summary: "Liveness", Description: "Answers while the process lives; asks nobody else.",
	}, func(context.Context, *struct{}) (*healthOutput, error) {
		out := &healthOutput{}
		out.Body.Status = "ok"
		return out, nil
	})
	register(s, huma.Operation{
		OperationID: "get-ready", Method: http.MethodGet, Path: "/ready", Tags: tags,
		Summary: "Readiness",
		Description: "200 while bars can be read: ready, or degraded when Temporal does not answer (new backfills are refused then). " +
			"503 with the same body when the database does not answer or lacks migrations.",
		Responses: map[string]*huma.Response{"503": jsonResponse[readiness](s, "Reads cannot be served")},
	}, s.getReady)
	register(s, huma.Operation{
		OperationID: "get-version", Method: http.MethodGet, Path: "/version", Tags: tags,
		Summary: "Version", Description: "Which build answers.",
	}, func(context.Context, *struct{}) (*versionOutput, error) {
		return &versionOutput{Body: s.version}, nil
	})
}

func (s *server) getReady(ctx context.Context, _ *struct{}) (*readyOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var checks readyChecks
	var wait sync.WaitGroup
	wait.Go(func() { checks.Database = s.check(ctx, "database", s.store.Ping(ctx)) })
	wait.Go(func() { checks.Migrations = s.checkMigrations(ctx) })
	wait.Go(func() { checks.Temporal = s.check(ctx, "temporal", s.orchestrator.Ping(ctx)) })
	wait.Wait()
	out := &readyOutput{Status: http.StatusOK, Body: readiness{Status: "ready", Checks: checks}}
	switch {
	case !checks.Database.OK || !checks.Migrations.OK:
		out.Status, out.Body.Status = http.StatusServiceUnavailable, "unavailable"
	case !checks.Temporal.OK:
		out.Body.Status = "degraded"
	}
	return out, nil
}

func (s *server) checkMigrations(ctx context.Context) readyCheck {
	pending, err := s.store.MigrationsPending(ctx)
	if err == nil && pending > 0 {
		return readyCheck{Error: fmt.Sprintf("%d migrations are pending: run marketdata migrate up", pending)}
	}
	return s.check(ctx, "migrations", err)
}

// check words the outcome of one check; the error itself, which may name hosts, goes to the log.
func (s *server) check(ctx context.Context, name string, err error) readyCheck {
	if err == nil {
		return readyCheck{OK: true}
	}
	s.logger.LogAttrs(ctx, slog.LevelWarn, "readiness check failed", slog.String("check", name),
		slog.String("request_id", requestID(ctx)), slog.String("error", err.Error()))
	return readyCheck{Error: "it does not answer"}
}
