package chaos_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/chaos"
)

// world is the rig that all tests of the process share; each has a platform of its own in it.
type world struct {
	once          sync.Once
	dir           string
	program, next string // two builds of the product
	rig           *chaos.Rig
	err           error

	// alone is held by a test that ends a server, and shared by those that hold a step in place meanwhile.
	alone sync.RWMutex
}

var shared world

func TestMain(m *testing.M) {
	flag.Parse()
	// Most of the time goes by in waiting for the heartbeat timeout of what was killed: the tests wait side by side.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	m.Run()
	shared.stop()
}

func (w *world) start() error {
	dir, err := os.MkdirTemp("", "marketdata-chaos-")
	if err != nil {
		return err
	}
	w.dir = dir
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	w.program = filepath.Join(dir, "marketdata")
	w.next = w.program + "-next"
	for path, flags := range map[string]string{w.program: "-s -w", w.next: "-s -w -buildid=next"} {
		out, err := exec.Command("go", "build", "-ldflags", flags, "-o", path, "../cmd/marketdata").CombinedOutput()
		if err != nil {
			return fmt.Errorf("build the product: %w: %s", err, out)
		}
	}
	temporal, err := filepath.Abs("../bin/temporal")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	w.rig, err = chaos.Start(ctx, chaos.Options{
		Dir: filepath.Join(dir, "rig"), Binary: w.program, Next: w.next, Temporal: temporal, Seed: 1, Most: 16, Now: time.Now,
		Logger: slog.New(slog.DiscardHandler),
	})
	return err
}

func (w *world) stop() {
	if w.rig != nil {
		if err := w.rig.Close(context.Background()); err != nil {
			fmt.Println("stop the rig:", err)
		}
	}
	_ = os.RemoveAll(w.dir)
}

// platform is a platform for one test, with so many workers.
func platform(t *testing.T, workers int) *chaos.Platform {
	t.Helper()
	shared.once.Do(func() { shared.err = shared.start() })
	require.NoError(t, shared.err, "the Temporal CLI is needed: make bin/temporal")
	shared.alone.RLock()
	defer shared.alone.RUnlock()
	p, err := shared.rig.Platform(t.Context(), workers)
	require.NoError(t, err)
	return p
}
