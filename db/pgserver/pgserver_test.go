package pgserver_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"marketdata/db/pgserver"
)

// envParent makes the test program a parent of a server, to be killed: the folder.
const envParent = "PGSERVER_TEST_PARENT"

func TestMain(m *testing.M) {
	dir := os.Getenv(envParent)
	if dir == "" {
		code := m.Run()
		_ = os.RemoveAll(former.dir)
		os.Exit(code)
	}
	s, err := pgserver.Start(context.Background(), pgserver.Options{Dir: dir, Fast: true})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.PID())
	select {}
}

// patience is with a server on a machine that has much else to do.
const patience = 3 * time.Minute

// reachable is a folder that the server's user can reach.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pgserver test ") //nolint:usetesting // t.TempDir cannot be reached by the server's user; with a space, as people have
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// made is a folder with data that one server of these tests made before it ended. Making data costs seconds; a copy does not.
type made struct {
	once sync.Once
	dir  string
	err  error
}

var former made // one per test process

func (m *made) make() {
	if m.dir, m.err = os.MkdirTemp("/tmp", "pgserver made "); m.err != nil {
		return
	}
	if m.err = os.Chmod(m.dir, 0o755); m.err != nil {
		return
	}
	s, err := pgserver.Start(context.Background(), pgserver.Options{Dir: m.dir, Fast: true})
	if m.err = err; err == nil {
		m.err = s.Stop(context.Background())
	}
}

// reused is a folder that the server's user can reach, with data from an earlier start.
func reused(t *testing.T) string {
	t.Helper()
	former.once.Do(former.make)
	require.NoError(t, former.err)
	dir := reachable(t)
	output, err := exec.CommandContext(t.Context(), "cp", "-a", filepath.Join(former.dir, "cluster"), dir).CombinedOutput()
	require.NoError(t, err, "%s", output)
	return dir
}

func start(t *testing.T, dir string) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Fast: true})
	require.NoError(t, err)
	return s
}

func stop(t *testing.T, s *pgserver.Server) {
	t.Helper()
	require.NoError(t, s.Stop(context.Background())) // it has a limit of its own
}

func execute(t *testing.T, s *pgserver.Server, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

func query[T any](t *testing.T, s *pgserver.Server, sql string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	var v T
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&v))
	return v
}

func TestDataSurviveAStop(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	s := start(t, dir)
	require.Equal(t, "marketdata", query[string](t, s, "SELECT current_database()"))
	require.Equal(t, "UTC", query[string](t, s, "SHOW timezone"))
	require.Equal(t, "UTF8 C", query[string](t, s, "SELECT current_setting('server_encoding') || ' ' || datcollate FROM pg_database WHERE datname = 'marketdata'"))
	execute(t, s, "CREATE TABLE kept AS SELECT 7::bigint AS n")
	stop(t, s)
	s = start(t, dir)
	defer stop(t, s)
	require.Equal(t, int64(7), query[int64](t, s, "SELECT n FROM kept"))
}

func TestDataSurviveAKill(t *testing.T) {
	t.Parallel()
	dir := reused(t)
	s, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Fast: true, Settings: map[string]string{"synchronous_commit": "on"}})
	require.NoError(t, err)
	execute(t, s, "CREATE TABLE kept AS SELECT 7::bigint AS n")
	require.NoError(t, syscall.Kill(s.PID(), syscall.SIGKILL))
	<-s.Ended()
	s = start(t, dir) // its children may still be there
	defer stop(t, s)
	require.Equal(t, int64(7), query[int64](t, s, "SELECT n FROM kept"))
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	const starters = 3
	servers, errs := make([]*pgserver.Server, starters), make([]error, starters)
	var wait sync.WaitGroup
	for i := range starters {
		wait.Go(func() { servers[i], errs[i] = pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Fast: true}) })
	}
	wait.Wait()
	running := 0
	for i, s := range servers {
		if errs[i] != nil {
			require.ErrorContains(t, errs[i], "another process runs PostgreSQL on")
			continue
		}
		running++
		require.Equal(t, 1, query[int](t, s, "SELECT 1"))
		stop(t, s)
	}
	require.Equal(t, 1, running)
}

func TestPasswordIsNeeded(t *testing.T) {
	t.Parallel()
	s := start(t, reused(t))
	defer stop(t, s)
	config, err := pgx.ParseConfig(s.URL())
	require.NoError(t, err)
	config.Password = "guess"
	_, err = pgx.ConnectConfig(t.Context(), config)
	require.ErrorContains(t, err, "password authentication failed")
}

func TestUnreachableFolderGetsAPointer(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		s := start(t, t.TempDir())
		stop(t, s)
		return // only root needs another user
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o700))
	s := start(t, dir)
	stop(t, s)
	note, err := os.ReadFile(filepath.Join(dir, "location"))
	require.NoError(t, err)
	require.Contains(t, string(note), "/var/lib/marketdata/")
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "the user's folder is as it was")
	require.Contains(t, string(note), s.Home())
	require.NoError(t, os.Chmod(dir, 0o755))
	again := start(t, dir)
	stop(t, again)
	require.Equal(t, s.Home(), again.Home(), "the data stay where they are, also when the folder could be reached by now")
	require.NoError(t, os.RemoveAll(s.Home()))
	require.NoError(t, os.RemoveAll(s.Home()+".lock"))
}

func TestForeignFolderIsNotTouched(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	data := filepath.Join(dir, "cluster", "data")
	require.NoError(t, os.MkdirAll(data, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(data, "mine.txt"), []byte("x"), 0o600))
	_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Fast: true})
	require.ErrorContains(t, err, "is not a complete PostgreSQL data folder: move it away")
	require.FileExists(t, filepath.Join(data, "mine.txt"))
}

func TestInterruptedInitialisationIsRepeated(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	s := start(t, dir)
	stop(t, s)
	base := filepath.Join(dir, "cluster")
	require.NoError(t, os.Rename(filepath.Join(base, "data"), filepath.Join(base, "data.unfinished")))
	require.NoError(t, os.Remove(filepath.Join(base, "data.unfinished", "PG_VERSION")))
	stop(t, start(t, dir))
}

func TestStalePidFileIsNoObstacle(t *testing.T) {
	t.Parallel()
	dir := reused(t)
	stop(t, start(t, dir))
	file := filepath.Join(dir, "cluster", "data", "postmaster.pid")
	require.NoError(t, os.WriteFile(file, []byte("1\n/elsewhere\n"), 0o644)) // a live process that is not ours
	stop(t, start(t, dir))
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	port := listener.Addr().(*net.TCPAddr).Port
	_, err = pgserver.Start(t.Context(), pgserver.Options{Dir: reachable(t), Port: port, Fast: true})
	require.EqualError(t, err, fmt.Sprintf("port %d of 127.0.0.1, wanted for PostgreSQL, is in use: stop what uses it, or choose another port", port))
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s, err := pgserver.Start(t.Context(), pgserver.Options{Dir: reachable(t), Settings: map[string]string{"work_mem": "7MB"}})
	require.NoError(t, err)
	defer stop(t, s)
	require.Equal(t, "7MB", query[string](t, s, "SHOW work_mem"))
	require.Equal(t, "on", query[string](t, s, "SHOW fsync"))
}

func TestFailedStartTellsWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: reused(t), Fast: true, Settings: map[string]string{"work_mem": "seven"}})
	require.ErrorContains(t, err, "PostgreSQL ended while starting; its log")
	require.ErrorContains(t, err, `invalid value for parameter "work_mem"`)
}

func TestCanceledStartLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := pgserver.Start(ctx, pgserver.Options{Dir: dir, Fast: true})
	require.ErrorIs(t, err, context.Canceled)
	stop(t, start(t, dir))
}

func TestMissingPasswordIsExplained(t *testing.T) {
	t.Parallel()
	dir := reused(t)
	s := start(t, dir)
	stop(t, s)
	require.NoError(t, os.Remove(filepath.Join(s.Home(), "password")))
	_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Fast: true})
	require.ErrorContains(t, err, "is gone: restore")
}

func TestDataSurviveACrash(t *testing.T) {
	t.Parallel()
	for _, isImmediate := range []bool{false, true} {
		dir := reused(t)
		s, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Settings: map[string]string{"fsync": "off"}})
		require.NoError(t, err)
		require.NoError(t, s.CreateDatabase(t.Context(), "another one"))
		require.ErrorContains(t, s.CreateDatabase(t.Context(), "another one"), "already exists")
		execute(t, s, "CREATE TABLE kept AS SELECT 7::bigint AS n")
		s.Crash(isImmediate)
		s, err = pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Port: s.Port(), Settings: map[string]string{"fsync": "off"}})
		require.NoError(t, err, "on the same port")
		require.Equal(t, int64(7), query[int64](t, s, "SELECT n FROM kept"))
		require.Equal(t, int64(1), query[int64](t, s, "SELECT count(*) FROM pg_database WHERE datname = 'another one'"))
		stop(t, s)
	}
}
