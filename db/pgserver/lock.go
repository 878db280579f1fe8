package pgserver

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock keeps other processes away from the home until the file is closed or this process ends, however it ends.
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
