// Command chaos attacks a platform of its own for some minutes while it loads bars, and proves that nothing was lost. It
// prints a table of the faults; its exit code is 1 where anything was lost. docs/chaos.md says more.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
	_ "time/tzdata" // calendars need zones, also where the system has none

	"marketdata/chaos"
)

// latency is how far the simulated providers are away.
const latency = 100 * time.Millisecond

func main() {
	var o options
	flag.Int64Var(&o.seed, "seed", 0, "equal seeds inject equal faults in equal order; 0 draws one")
	flag.Float64Var(&o.minutes, "minutes", 10, "how long faults are injected; the platform gets the time it needs to finish after that")
	flag.IntVar(&o.workers, "workers", 2, "workers at once")
	flag.StringVar(&o.binary, "bin", "bin/marketdata", "the product")
	flag.StringVar(&o.next, "next", "bin/marketdata-next", "another build of it, for workers that are replaced")
	flag.StringVar(&o.temporal, "temporal", "bin/temporal", "the Temporal CLI")
	flag.StringVar(&o.dir, "dir", "", "folder for data and logs, kept afterwards; default: a temporary one, kept only where something was lost")
	flag.BoolVar(&o.isVerbose, "v", false, "tell every fault as it is injected")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "chaos takes flags only")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	isGood, err := o.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	if err != nil || !isGood {
		os.Exit(1)
	}
}

type options struct {
	seed                        int64
	minutes                     float64
	workers                     int
	binary, next, temporal, dir string
	isVerbose                   bool
}

// run reports whether nothing was lost.
func (o options) run(ctx context.Context) (isGood bool, err error) {
	if o.seed == 0 {
		o.seed = time.Now().UnixNano()%1_000_000 + 1
	}
	for _, path := range []*string{&o.binary, &o.next, &o.temporal} {
		if *path, err = filepath.Abs(*path); err != nil {
			return false, err
		}
		if _, err := os.Stat(*path); err != nil {
			return false, fmt.Errorf("%w: run it as make chaos", err)
		}
	}
	isKept := o.dir != ""
	if o.dir, err = o.folder(); err != nil {
		return false, err
	}
	fmt.Printf("seed %d, %g minutes, %d workers; data and logs: %s\n", o.seed, o.minutes, o.workers, o.dir)
	report, err := o.attack(ctx)
	if err == nil {
		err = report.Write(os.Stdout)
	}
	isGood = err == nil && report.IsGood()
	switch {
	case isGood && isKept:
	case isGood:
		return isGood, os.RemoveAll(o.dir)
	default:
		fmt.Printf("the logs of every process are in %s\n", filepath.Join(o.dir, "logs"))
	}
	return isGood, err
}

// folder makes the folder for data and logs.
func (o options) folder() (string, error) {
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "marketdata-chaos-")
		if err != nil {
			return "", err
		}
		return dir, os.Chmod(dir, 0o755) //nolint:gosec // the user of PostgreSQL must pass through
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755) //nolint:gosec // as above
}

// attack runs the rig, and stops it whatever comes.
func (o options) attack(ctx context.Context) (report chaos.Report, err error) {
	begin := time.Now()
	tell := func(format string, args ...any) {
		if o.isVerbose {
			fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
		}
	}
	rig, err := chaos.Start(ctx, chaos.Options{
		Dir: o.dir, Binary: o.binary, Next: o.next, Temporal: o.temporal, Seed: o.seed, Most: 1, Latency: latency, Now: time.Now,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return report, err
	}
	home := rig.PostgresHome()
	defer func() {
		if closed := rig.Close(context.Background()); err == nil {
			err = closed
		}
		if err == nil && report.IsGood() { // elsewhere, where the server's user cannot reach the folder
			_ = os.RemoveAll(home)
			_ = os.Remove(home + ".lock")
		}
	}()
	return rig.Run(ctx, chaos.RunOptions{
		Seed: o.seed, Lasts: time.Duration(o.minutes * float64(time.Minute)), Workers: o.workers, Tell: tell,
	})
}
