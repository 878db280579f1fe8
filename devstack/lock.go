package devstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock takes the data folder for this process until it ends, however it ends.
func lock(dataDir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dataDir, "dev.lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // in the data folder that the caller names
	if err != nil {
		return nil, fmt.Errorf("lock of the data folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner := make([]byte, 32)
		n, _ := file.ReadAt(owner, 0)
		_ = file.Close()
		return nil, fmt.Errorf("another stack (pid %s) runs on %s: stop it, or choose another folder with --data-dir",
			strings.TrimSpace(string(owner[:n])), dataDir)
	}
	if err == nil {
		err = errors.Join(file.Truncate(0), writeAt(file, fmt.Sprintln(os.Getpid())))
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock of the data folder: %w", err)
	}
	return file, nil
}

// unlock gives the data folder free, also where a child that is just being started still holds a copy of the file.
func unlock(file *os.File) error {
	if err := errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close()); err != nil {
		return fmt.Errorf("lock of the data folder: %w", err)
	}
	return nil
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}
