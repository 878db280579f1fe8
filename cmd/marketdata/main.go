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
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ctx, kill := interrupts(context.Background(), signals, signalEcho)
	go func() {
		<-kill
		time.AfterFunc(killWithin, func() { os.Exit(exitFailure) })
	}()
	os.Exit(run(ctx, &app{
		environ:    config.Environ(),
		stdout:     os.Stdout,
		stderr:     os.Stderr,
		isTerminal: term.IsTerminal(int(os.Stdout.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		now:        time.Now,
		kill:       kill,
	}, os.Args[1:]))
}

const (
	// signalEcho is how long repetitions of the first signal are taken for the same one: make and timeout send it both
	// to the process and to its group.
	signalEcho = 500 * time.Millisecond
	// killWithin is how long a command may still take after a person asked a second time.
	killWithin = 3 * time.Second
)

// interrupts ends the context with the first signal, which asks to stop, and closes kill with a later one, which no
// longer waits.
func interrupts(parent context.Context, signals <-chan os.Signal, echo time.Duration) (ctx context.Context, kill <-chan struct{}) {
	ctx, cancel := context.WithCancel(parent)
	killed := make(chan struct{})
	go func() {
		<-signals
		cancel()
		for settled := time.After(echo); ; {
			select {
			case <-settled:
				<-signals
				close(killed)
				return
			case <-signals:
			}
		}
	}()
	return ctx, killed
}

// app is what commands need of the process they run in.
type app struct {
	environ        []string
	stdout, stderr io.Writer
	isTerminal     bool // whether people look at the output
	now            func() time.Time
	kill           <-chan struct{} // closed when stopping may take no more time
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
