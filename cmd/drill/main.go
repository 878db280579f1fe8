// Command drill rehearses the loss of the database: it loads a platform of its own, backs it up, restores the backup into an
// empty server, and proves that the copy is equal and works. It prints a table; its exit code is 1 where anything differs.
// docs/backup.md says more.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
	_ "time/tzdata" // calendars need zones, also where the system has none

	"marketdata/drill"
)

func main() {
	binary := flag.String("bin", "bin/marketdata", "the product")
	temporal := flag.String("temporal", "bin/temporal", "the Temporal CLI")
	waits := flag.Bool("wait", false, "let the unfinished backfill wait for the sweep of each minute, rather than trigger it")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "drill takes flags only")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	isGood, err := run(ctx, *binary, *temporal, *waits)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "drill:", err)
	}
	if err != nil || !isGood {
		os.Exit(1)
	}
}

// run reports whether the copy is equal and works.
func run(ctx context.Context, binary, temporal string, waits bool) (isGood bool, err error) {
	for _, path := range []*string{&binary, &temporal} {
		if *path, err = filepath.Abs(*path); err != nil {
			return false, err
		}
		if _, err := os.Stat(*path); err != nil {
			return false, fmt.Errorf("%w: run it as make backup-drill", err)
		}
	}
	dir, err := os.MkdirTemp("", "marketdata-drill-")
	if err != nil {
		return false, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the user of PostgreSQL must pass through
		return false, err
	}
	begin := time.Now()
	report, err := drill.Run(ctx, drill.Options{
		Dir: dir, Binary: binary, Temporal: temporal, Now: time.Now, WaitsForSweep: waits,
		Tell: func(step string) { fmt.Printf("%5.1f s  %s\n", time.Since(begin).Seconds(), step) },
	})
	if err == nil {
		err = report.Write(os.Stdout)
	}
	if err == nil && report.IsGood() {
		return true, os.RemoveAll(dir)
	}
	fmt.Printf("the dump and the logs of every process are in %s\n", dir)
	return false, err
}
