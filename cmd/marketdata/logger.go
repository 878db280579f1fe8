package main

import (
	"log/slog"

	"marketdata/config"
	"marketdata/trace"
)

// newLogger logs to standard error as configured: text for people, JSON for machines. Every line has the id of the
// request that caused it.
func (a *app) newLogger(cfg config.Log) *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[cfg.Level]
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewJSONHandler(a.stderr, options)
	if cfg.Format == "text" || cfg.Format == "auto" && a.isTerminal {
		handler = slog.NewTextHandler(a.stderr, options)
	}
	return slog.New(trace.NewHandler(handler))
}

// silent logs nothing.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }
