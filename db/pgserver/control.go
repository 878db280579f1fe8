package pgserver

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// CreateDatabase makes an empty database of the server.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.DatabaseURL("postgres"))
	if err != nil {
		return errors.New("PostgreSQL takes no connection") // the cause holds the address and user only
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is in flight
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// Crash ends the server hard: killed as by the system when memory is short, or, where isImmediate, stopped without
// finishing anything. The next Start on its folder recovers what was committed.
func (s *Server) Crash(isImmediate bool) {
	signal := syscall.SIGKILL
	if isImmediate {
		signal = syscall.SIGQUIT
	}
	_ = s.command.Process.Signal(signal) // it may have ended just now
	<-s.ended
}
