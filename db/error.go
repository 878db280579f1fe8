package db

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"marketdata/market"
)

// dbError gives an error of the database its kind. The message is safe for users: no SQL, no host, no secret; the cause
// is kept for the log.
func dbError(err error) error {
	if err == nil {
		return nil
	}
	var known *market.Error
	var conflict *market.ConflictError
	if errors.As(err, &known) || errors.As(err, &conflict) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &market.Error{Kind: market.KindUnavailable, Message: "the database did not answer in time", Err: err}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pgError(pg, err)
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || pgconn.SafeToRetry(err) || isConnectionLost(err) {
		return &market.Error{Kind: market.KindUnavailable, Message: "the database cannot be reached", Err: err}
	}
	return &market.Error{Kind: market.KindInternal, Message: "unexpected error of the database", Err: err}
}

func pgError(pg *pgconn.PgError, err error) error {
	class := pg.Code[:min(2, len(pg.Code))]
	switch {
	case pg.Code == "40P01" || pg.Code == "40001" || pg.Code == "23505":
		return &market.Error{Kind: market.KindUnavailable, Message: "another transaction was in the way; try again", Err: err}
	case pg.Code == "22021" || pg.Code == "22P05":
		return &market.Error{Kind: market.KindInvalid, Message: "text must be UTF-8 without null characters", Err: err}
	case pg.Code == "55P03":
		return &market.Error{Kind: market.KindUnavailable, Message: "a lock of the database was not had in time; try again", Err: err}
	case pg.Code == "25006":
		return &market.Error{Kind: market.KindUnavailable, Message: "the database is a read-only replica: send what writes to an API on the primary", Err: err}
	case class == "08" || class == "53" || class == "57" || class == "58":
		return &market.Error{Kind: market.KindUnavailable, Message: "the database is not available", Err: err}
	case class == "28" || class == "3D":
		return &market.Error{Kind: market.KindUnavailable, Message: "the database refuses the connection: check user, password and name in database.url", Err: err}
	case pg.Code == "42P01" || pg.Code == "42703" || pg.Code == "42883":
		return &market.Error{Kind: market.KindUnavailable, Message: "the database lacks migrations: run marketdata migrate up", Err: err}
	}
	return &market.Error{Kind: market.KindInternal, Message: "unexpected error of the database (SQLSTATE " + pg.Code + ")", Err: err}
}

// isConnectionLost recognises a connection that broke in the middle of a conversation.
func isConnectionLost(err error) bool {
	text := err.Error()
	for _, sign := range []string{"unexpected EOF", "connection reset", "broken pipe", "conn closed", "closed pool", "connection refused", "i/o timeout"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
