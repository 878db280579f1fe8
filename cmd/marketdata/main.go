package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // calendars need zones, also where the system has none

	"golang.org/x/term"

	"marketdata/config"
)

const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// After the first signal the default action is back: a second one ends a command that does not stop.
	context.AfterFunc(ctx, stop)
	code := run(ctx, &app{
		environ:    config.Environ(),
		stdout:     os.Stdout,
		stderr:     os.Stderr,
		isTerminal: term.IsTerminal(int(os.Stdout.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		now:        time.Now,
	}, os.Args[1:])
	stop()
	os.Exit(code)
}

// app is what commands need of the process they run in.
type app struct {
	environ        []string
	stdout, stderr io.Writer
	isTerminal     bool // whether people look at the output
	now            func() time.Time
}

// run executes a command line and returns the exit code.
func run(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	_, _ = fmt.Fprintln(a.stderr, "marketdata: "+strings.TrimSpace(err.Error()))
	var usage *usageError
	if errors.As(err, &usage) {
		_, _ = fmt.Fprintf(a.stderr, "Run '%s --help' for what it takes.\n", command.CommandPath())
		return exitUsage
	}
	return exitFailure
}
