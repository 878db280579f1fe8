package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"marketdata/api"
)

const (
	drainWithin = 20 * time.Second // how long requests in flight may take after a signal

	firstRetry = 500 * time.Millisecond
	lastRetry  = 10 * time.Second
	warnAfter  = 3 // failed attempts that are only worth a line at info level
)

// serve answers HTTP on the address until ctx ends, then lets requests in flight finish. ready is called with the
// address it listens on.
func serve(ctx context.Context, address string, handler http.Handler, logger *slog.Logger, ready func(net.Addr)) error {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	server := api.NewServer(address, handler, logger)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready(listener.Addr())
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", address, err)
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	logger.InfoContext(draining, "stopping: requests in flight may finish", "at_most", drainWithin.String())
	if err := server.Shutdown(draining); err != nil {
		return joined(fmt.Errorf("requests in flight did not finish within %s", drainWithin), server.Close())
	}
	return nil
}

// connect calls open until it succeeds, with a log line for each failure. It gives up when ctx ends.
func connect(ctx context.Context, logger *slog.Logger, what string, open func(context.Context) error) error {
	for pause, attempt := firstRetry, 1; ; pause, attempt = min(2*pause, lastRetry), attempt+1 {
		err := open(ctx)
		if err == nil {
			logger.InfoContext(ctx, "connected", "to", what, "attempt", attempt)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		level := slog.LevelInfo
		if attempt > warnAfter {
			level = slog.LevelWarn
		}
		logger.Log(ctx, level, "cannot connect yet", "to", what, "attempt", attempt, "retry_in", pause.String(), "error", err.Error())
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// isStopped reports whether err only says that ctx ended, which is how a server is asked to stop.
func isStopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}
