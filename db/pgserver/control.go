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
	return s.asAdmin(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
			return fmt.Errorf("create database %s: %w", name, err)
		}
		return nil
	})
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

// Login is a role that may log in.
type Login struct {
	Name, Password string
	MayMakeRoles   bool   // as the role of migrations may, so that they can make the platform's roles
	MemberOf       string // a role whose rights it has; "" for none
}

// AllowLogin makes the role, or lets one that is there log in with the password.
func (s *Server) AllowLogin(ctx context.Context, l Login) error {
	return s.asAdmin(ctx, func(conn *pgx.Conn) error {
		var isThere bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", l.Name).Scan(&isThere); err != nil {
			return err
		}
		verb, name, more := "CREATE", pgx.Identifier{l.Name}.Sanitize(), ""
		if isThere {
			verb = "ALTER"
		}
		if l.MayMakeRoles {
			more = " CREATEROLE"
		}
		quoted, err := conn.PgConn().EscapeString(l.Password)
		if err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, fmt.Sprintf("%s ROLE %s LOGIN%s PASSWORD '%s'", verb, name, more, quoted)); err != nil {
			return fmt.Errorf("role %s: %w", l.Name, err)
		}
		if l.MemberOf == "" {
			return nil
		}
		if _, err := conn.Exec(ctx, fmt.Sprintf("GRANT %s TO %s", pgx.Identifier{l.MemberOf}.Sanitize(), name)); err != nil {
			return fmt.Errorf("role %s: %w", l.Name, err)
		}
		return nil
	})
}

// GiveDatabase makes the role the owner of a database.
func (s *Server) GiveDatabase(ctx context.Context, name, owner string) error {
	return s.asAdmin(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s OWNER TO %s", pgx.Identifier{name}.Sanitize(), pgx.Identifier{owner}.Sanitize()))
		return err
	})
}

// asAdmin runs f over a connection of the server's own user.
func (s *Server) asAdmin(ctx context.Context, f func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.DatabaseURL("postgres"))
	if err != nil {
		return errors.New("PostgreSQL takes no connection") // the cause holds the address and user only
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is in flight
	return f(conn)
}
