package db

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"marketdata/market"
)

const (
	defaultMaxConns = 16
	connectTimeout  = 5 * time.Second

	// idleInTransaction ends the transaction of a process that froze in it, before its successor begins: else that would
	// wait for its locks.
	idleInTransaction = "45s"
)

// Options tune a DB; the zero value is ready to use.
type Options struct {
	MaxConns       int           // connections of this process at most; 0 means 16
	ConnectTimeout time.Duration // of one connection; 0 means 5 s
}

// DB is the storage. It is safe for concurrent use.
type DB struct {
	Pool *pgxpool.Pool // for the hot paths

	bun   *bun.DB // ordinary queries, over the same pool
	codec codec
}

// Open prepares the pool; no connection is made until one is needed. Errors: invalid for an unusable URL, which is not
// repeated in the message because it may hold a password.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, market.Errorf(market.KindInvalid, "database.url is not a PostgreSQL URL: want postgres://user:password@host:port/name")
	}
	config.ConnConfig.ConnectTimeout = cmp.Or(o.ConnectTimeout, connectTimeout)
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.ConnConfig.RuntimeParams["application_name"] = "marketdata"
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = idleInTransaction
	config.MaxConns = defaultMaxConns
	if o.MaxConns > 0 {
		config.MaxConns = int32(min(o.MaxConns, 1000))
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, dbError(err)
	}
	codec, err := newCodec()
	if err != nil {
		pool.Close()
		return nil, dbError(err)
	}
	return &DB{Pool: pool, bun: bun.NewDB(stdlib.OpenDBFromPool(pool), pgdialect.New()), codec: codec}, nil
}

// Close returns all connections; calls in flight finish first.
func (db *DB) Close() {
	_ = db.bun.Close() // closes idle connections of the pool only, which cannot fail usefully
	db.Pool.Close()
}
