package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopLeftover ends what an earlier run left behind: processes that are verified to be PostgreSQL on this very data
// folder. Only when none is left, the pid file of a server that is gone is removed: its number may be another
// process's by now, for which PostgreSQL would refuse to start.
func (h home) stopLeftover(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	file := filepath.Join(h.data(), "postmaster.pid")
	isAsked := false
	for {
		left := processesOn(h.data())
		if len(left) == 0 {
			break
		}
		if !isAsked {
			if err := askToStop(left, readPID(file)); err != nil {
				return err
			}
			isAsked = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL of an earlier run (process %d) does not stop: end it with: kill -9 %d", left[0], left[0])
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

// askToStop asks the server, which asks its children; without a server each child is asked.
func askToStop(processes []int, server int) error {
	signal := syscall.SIGTERM
	if slices.Contains(processes, server) {
		processes, signal = []int{server}, syscall.SIGINT
	}
	for _, pid := range processes {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("PostgreSQL of an earlier run (process %d) cannot be stopped: %w", pid, err)
		}
	}
	return nil
}

// readPID returns the first line of a pid file as a number, 0 where there is none.
func readPID(file string) int {
	text, err := os.ReadFile(file) //nolint:gosec // a pid file in the data folder
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return number(strings.TrimSpace(first))
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}
