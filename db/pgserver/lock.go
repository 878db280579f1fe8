package pgserver

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock keeps other processes away from the home until it is unlocked or this process ends, however it ends.
func (h home) lock() (*os.File, error) {
	file, err := os.OpenFile(h.base+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock of the data folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	_ = file.Close() // nothing was written
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("another process runs PostgreSQL on %s: stop it first, or choose another data folder", h.base)
	}
	return nil, fmt.Errorf("lock of the data folder: %w", err)
}

// unlock lets the lock go at once. Closing the file alone would not: a process that another goroutine starts at this very
// moment holds all our files until it has become its program.
func unlock(file *os.File) {
	_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) // closed below in any case
	_ = file.Close()                                   // nothing was written
}
