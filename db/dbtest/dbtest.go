package dbtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"marketdata/db"
	"marketdata/db/pgserver"
)

const (
	envURL = "MARKETDATA_TEST_DATABASE_URL"

	// patience is with a server on a machine that has much else to do.
	patience = 3 * time.Minute
)

// server is the PostgreSQL server of this test process.
type server struct {
	admin     string        // URL of a database from which others are made
	pool      *pgxpool.Pool // connections to it
	template  string        // name of the migrated database that tests copy
	strategy  string        // how the server copies the template; "" for its own way
	isPrivate bool          // a process of ours without fsync, not a container
	origin    string        // where the server comes from, for the log
	stop      func()
}

// process is the one server that all tests of a process share; it is made when first needed.
type process struct {
	once   sync.Once
	server server
	err    error
}

var shared process //nolint:gochecknoglobals // one server per test process

// Main runs the tests of a package and then stops the server: func TestMain(m *testing.M) { dbtest.Main(m) }.
func Main(m *testing.M) {
	m.Run() // the process ends with its result when TestMain returns
	if shared.server.stop != nil {
		shared.server.stop()
	}
}

// New returns a migrated, empty database of the test's own; it is dropped when the test ends.
func New(t testing.TB) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), URL(t), db.Options{MaxConns: 24, ConnectTimeout: patience})
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(d.Close)
	return d
}

// URL returns the URL of a migrated, empty database of the test's own; it is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	return database(t, true)
}

// EmptyURL returns the URL of a database of the test's own without any migration.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return database(t, false)
}

func database(t testing.TB, isMigrated bool) string {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = start() })
	if shared.err != nil {
		t.Fatalf("no PostgreSQL for tests: %v", shared.err)
	}
	s := shared.server
	t.Logf("PostgreSQL: %s", s.origin)
	name := "md_test_" + strings.ToLower(rand.Text()[:16])
	create := "CREATE DATABASE " + name
	if isMigrated {
		create += " TEMPLATE " + s.template + s.strategy
	}
	if _, err := s.pool.Exec(t.Context(), create); err != nil {
		t.Fatalf("make the test's database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if _, err := s.pool.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return withName(s.admin, name)
}

// start finds a server and makes the template.
func start() (server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	s, err := find(ctx)
	if err != nil {
		return s, err
	}
	if err := s.prepare(ctx); err != nil {
		s.stop()
		return s, err
	}
	return s, nil
}

// prepare connects to the server and makes the template.
func (s *server) prepare(ctx context.Context) error {
	pool, err := pgxpool.New(ctx, s.admin)
	if err != nil {
		return err
	}
	s.pool = pool
	stop := s.stop
	s.stop = func() {
		pool.Close()
		stop()
	}
	if s.isPrivate {
		// Copying files is a third of the work of logging every page: its checkpoints cost little without
		// fsync. Servers before version 15 know no other way.
		const strategy = "SELECT CASE WHEN current_setting('server_version_num')::int >= 150000 THEN ' STRATEGY FILE_COPY' ELSE '' END"
		if err := pool.QueryRow(ctx, strategy).Scan(&s.strategy); err != nil {
			return err
		}
	}
	s.template = "md_template_" + strings.ToLower(rand.Text()[:16])
	if _, err := pool.Exec(ctx, "CREATE DATABASE "+s.template); err != nil {
		return err
	}
	if s.origin == envURL { // the server stays, our template does not
		stopAll := s.stop
		s.stop = func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			_, _ = pool.Exec(ctx, "DROP DATABASE IF EXISTS "+s.template+" WITH (FORCE)") // nobody is left to tell
			stopAll()
		}
	}
	if err := db.MigrateUp(ctx, withName(s.admin, s.template)); err != nil {
		return fmt.Errorf("migrate the template: %w", err)
	}
	return nil
}

func find(ctx context.Context) (server, error) {
	if given := os.Getenv(envURL); given != "" { //nolint:forbidigo // the tests' own setting
		return server{admin: given, origin: envURL, stop: func() {}}, nil
	}
	s, whyNot := container(ctx)
	if whyNot == nil {
		return s, nil
	}
	if isContainerWanted() {
		return s, fmt.Errorf("%s is set, so no other server is taken: %w", envImage, whyNot)
	}
	dir, err := os.MkdirTemp("", "marketdata-test-")
	if err != nil {
		return s, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // ours; the server's own user must pass through
		return s, err
	}
	local, err := pgserver.Start(ctx, pgserver.Options{Dir: dir, Fast: true})
	if err != nil {
		return s, err
	}
	return server{
		admin: local.URL(), isPrivate: true, origin: fmt.Sprintf("private server (no container: %v)", whyNot),
		stop: func() {
			_ = local.Stop(context.Background()) // its data are thrown away
			_ = os.RemoveAll(dir)
			_ = os.RemoveAll(local.Home()) // elsewhere, where the server's user cannot reach dir
			_ = os.Remove(local.Home() + ".lock")
		},
	}, nil
}

// withName returns the URL with another database.
func withName(admin, name string) string {
	u, err := url.Parse(admin)
	if err != nil {
		return admin
	}
	u.Path = "/" + name
	return u.String()
}
