package devstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const stateFile = "dev.json"

// State is dev.json: what runs, and where. The file is readable by its owner only, because the database URL may hold a
// password.
type State struct {
	PID         int               `json:"pid"` // of the process that runs the stack
	StartedAt   time.Time         `json:"started_at"`
	URLs        map[string]string `json:"urls"`  // api, openapi, temporal_ui, simulator, worker
	Ports       map[string]int    `json:"ports"` // api, simulator, temporal, temporal_ui, worker, postgres
	DatabaseURL string            `json:"database_url"`
	PostgresPID int               `json:"postgres_pid"` // 0 where a database was given
	Processes   []Process         `json:"processes"`    // the children; PostgreSQL looks after its own leftovers
}

// LoadState reads the state of a data folder. Without a state file it returns the zero State.
func LoadState(dataDir string) (State, error) {
	var s State
	content, err := os.ReadFile(filepath.Join(dataDir, stateFile)) //nolint:gosec // in the data folder that the caller names
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("state of the local stack: %w", err)
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return State{}, fmt.Errorf("%s is damaged: %w", filepath.Join(dataDir, stateFile), err)
	}
	return s, nil
}

// Save replaces the state file; a reader never sees half of it.
func (s State) Save(dataDir string) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("state of the local stack: %w", err)
	}
	name := filepath.Join(dataDir, stateFile)
	next, err := os.CreateTemp(dataDir, stateFile+".*") // 0600
	if err != nil {
		return fmt.Errorf("state of the local stack: %w", err)
	}
	defer func() { _ = os.Remove(next.Name()) }()
	_, err = next.Write(append(content, '\n'))
	if err := errors.Join(err, next.Close()); err != nil {
		return fmt.Errorf("state of the local stack: %w", err)
	}
	if err := os.Rename(next.Name(), name); err != nil {
		return fmt.Errorf("state of the local stack: %w", err)
	}
	return nil
}
