package main

import (
	"log/slog"

	"marketdata/config"
)

// newLogger logs to standard error as configured: text for people, JSON for machines.
func (a *app) newLogger(cfg config.Log) *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[cfg.Level]
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "text" || cfg.Format == "auto" && a.isTerminal {
		return slog.New(slog.NewTextHandler(a.stderr, options))
	}
	return slog.New(slog.NewJSONHandler(a.stderr, options))
}

// silent logs nothing.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }
