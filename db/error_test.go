package db_test

import (
	"context"
	"net"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// requireSafe requires that the message tells nothing of the server or the statement.
func requireSafe(t *testing.T, err error, secrets ...string) {
	t.Helper()
	require.Error(t, err)
	for _, word := range append(secrets, "SELECT", "INSERT", "UPDATE", "127.0.0.1", "localhost", "dial") {
		require.NotContains(t, err.Error(), word)
	}
}

func TestOpenRefusesAnUnusableURL(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"postgres://u:s3cret@h:port/x", "nonsense s3cret", "postgres://u:s3cret@h/x?sslmode=maybe"} {
		_, err := db.Open(t.Context(), address, db.Options{})
		hasKind(t, market.KindInvalid, err)
		requireSafe(t, err, "s3cret")
		requireSafe(t, db.MigrateUp(t.Context(), address), "s3cret")
	}
}

func TestErrorsOfAServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	address := "postgres://someone:s3cret@" + listener.Addr().String() + "/base?sslmode=disable"
	d, err := db.Open(t.Context(), address, db.Options{})
	require.NoError(t, err, "nothing is connected yet")
	t.Cleanup(d.Close)

	_, pendingErr := d.MigrationsPending(t.Context())
	_, readErr := d.Instrument(t.Context(), bitcoin().ID)
	_, _, putErr := d.PutInstrument(t.Context(), bitcoin())
	_, statusErr := db.MigrationStatus(t.Context(), address)
	for name, err := range map[string]error{
		"ping": d.Ping(t.Context()), "pending": pendingErr, "read": readErr, "write": putErr,
		"migrate": db.MigrateUp(t.Context(), address), "status": statusErr,
	} {
		hasKindNamed(t, name, market.KindUnavailable, err)
		requireSafe(t, err, "s3cret", "someone", "base?")
	}
}

func TestErrorsOfAWrongPasswordOrName(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(dbtest.EmptyURL(t))
	require.NoError(t, err)
	noBase, noUser := *u, *u
	noBase.Path = "/no_such_base"
	noUser.User = url.UserPassword("nobody", "s3cret")
	for _, address := range []url.URL{noBase, noUser} {
		d, err := db.Open(t.Context(), address.String(), db.Options{MaxConns: 1})
		require.NoError(t, err)
		t.Cleanup(d.Close)
		err = d.Ping(t.Context())
		hasKind(t, market.KindUnavailable, err)
		requireSafe(t, err, "no_such_base", "nobody", "s3cret")
	}
}

func TestErrorsWithoutMigrationsSayWhatToDo(t *testing.T) {
	t.Parallel()
	d, err := db.Open(t.Context(), dbtest.EmptyURL(t), db.Options{MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	_, err = d.Instrument(t.Context(), bitcoin().ID)
	hasKind(t, market.KindUnavailable, err)
	require.ErrorContains(t, err, "migrate up")
	requireSafe(t, err)
}

func TestErrorsOfACanceledContext(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.Instrument(ctx, bitcoin().ID)
	hasKind(t, market.KindUnavailable, err)
	require.ErrorIs(t, err, context.Canceled)
	err = d.Bars(ctx, 1, span("2024-01-01", "2024-01-02"), 1, false, func(market.RawBar) error { return nil })
	hasKind(t, market.KindUnavailable, err)
	requireSafe(t, err)
}

// TestErrorsOfTheServer lets a trigger raise each SQLSTATE where a write goes through.
func TestErrorsOfTheServer(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), "p", market.Pacing{RequestsPerMinute: 60}))
	tests := []struct {
		code string
		want market.Kind
	}{
		{"23505", market.KindUnavailable},
		{"40P01", market.KindUnavailable},
		{"40001", market.KindUnavailable},
		{"55P03", market.KindUnavailable},
		{"25006", market.KindUnavailable},
		{"53300", market.KindUnavailable},
		{"57014", market.KindUnavailable},
		{"22021", market.KindInvalid},
		{"42P01", market.KindUnavailable},
		{"23514", market.KindInternal},
		{"XX000", market.KindInternal},
	}
	for _, tt := range tests {
		exec(t, d, `CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN RAISE EXCEPTION 'SELECT of s3cret' USING ERRCODE = '`+tt.code+`'; END $$`)
		exec(t, d, "CREATE OR REPLACE TRIGGER fail BEFORE UPDATE ON provider_gate FOR EACH ROW EXECUTE FUNCTION fail()")
		err := d.SetProviderPaused(t.Context(), "p", true, "x")
		hasKindNamed(t, tt.code, tt.want, err)
		requireSafe(t, err, "s3cret")
		var cause *pgconn.PgError
		require.ErrorAs(t, err, &cause, "the log gets the cause")
		require.Equal(t, tt.code, cause.Code)
	}
}
