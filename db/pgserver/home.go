package pgserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// sharedRoot holds the data of servers whose own folder the server's user cannot reach.
	sharedRoot = "/var/lib/marketdata"
	// pointerName is the file in such a folder that says where the data are.
	pointerName = "location"
)

// home is where a server keeps its data, its password and its log.
type home struct {
	base  string // made by us
	owner *owner // nil: the server runs as us
}

// owner is the user a server started by root runs as.
type owner struct {
	name     string
	uid, gid uint32
}

func (h home) data() string         { return filepath.Join(h.base, "data") }
func (h home) unfinished() string   { return filepath.Join(h.base, "data.unfinished") }
func (h home) passwordFile() string { return filepath.Join(h.base, "password") }
func (h home) logFile() string      { return filepath.Join(h.base, "server.log") }

// place decides where the data go and makes the folders above.
func place(dir string) (home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return home{}, fmt.Errorf("data folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the user that PostgreSQL runs as has to pass through
		return home{}, fmt.Errorf("data folder: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return home{}, fmt.Errorf("data folder: %w", err)
	}
	h := home{base: filepath.Join(dir, "cluster")}
	if os.Geteuid() != 0 {
		return h, nil
	}
	if pointed, ok := readPointer(dir); ok {
		h.base = pointed
	}
	if h.owner, err = serverUser(h.base); err != nil {
		return home{}, err
	}
	if h.owner.canReach(filepath.Dir(h.base)) {
		return h, nil
	}
	sum := sha256.Sum256([]byte(dir))
	h.base = filepath.Join(sharedRoot, hex.EncodeToString(sum[:8]))
	if err := makeReachable(sharedRoot); err != nil {
		return home{}, err
	}
	note := fmt.Sprintf("%s\n\nThe data are there because user %s, as whom PostgreSQL runs, cannot reach this folder.\n", h.base, h.owner.name)
	if err := os.WriteFile(filepath.Join(dir, pointerName), []byte(note), 0o600); err != nil {
		return home{}, fmt.Errorf("data folder: %w", err)
	}
	return h, nil
}

// readPointer returns where an earlier run put the data of the folder, if they are still there.
func readPointer(dir string) (string, bool) {
	text, err := os.ReadFile(filepath.Join(dir, pointerName)) //nolint:gosec // in the data folder that the caller names
	if err != nil {
		return "", false
	}
	base, _, _ := strings.Cut(string(text), "\n")
	info, err := os.Stat(base) //nolint:gosec // only looked at; the next line says where it may be
	return base, err == nil && info.IsDir() && filepath.Dir(base) == sharedRoot
}

// makeReachable makes a folder that every user may pass through, whatever our umask; one that exists is left as it is.
func makeReachable(dir string) error {
	err := os.Mkdir(dir, 0o755) //nolint:gosec // it holds folders with permissions of their own
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		err = os.Chmod(dir, 0o755) //nolint:gosec // it holds folders with permissions of their own
	}
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

// make creates the base folder and gives it to the server's user; one with something in it is left as it is.
func (h home) make() error {
	if err := os.Mkdir(h.base, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("data folder: %w", err)
	}
	entries, err := os.ReadDir(h.base)
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if len(entries) > 0 {
		return nil
	}
	return h.give(h.base)
}

// give makes the server's user the owner of something we made.
func (h home) give(path string) error {
	if h.owner == nil {
		return nil
	}
	if err := os.Chown(path, int(h.owner.uid), int(h.owner.gid)); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

// initialise makes the data folder unless it is there. It is made beside its place and then renamed, so what stands in
// its place is complete; the rest of an interrupted attempt is ours to remove.
func (h home) initialise(ctx context.Context, bin string, isFast bool) error {
	if h.version() != "" {
		if _, err := os.Stat(h.passwordFile()); err != nil {
			return fmt.Errorf("the password of the PostgreSQL data in %s is gone: restore %s, or move the data away to begin anew", h.data(), h.passwordFile())
		}
		return nil
	}
	if entries, err := os.ReadDir(h.data()); err == nil {
		if len(entries) > 0 {
			return fmt.Errorf("%s is not a complete PostgreSQL data folder: move it away, or remove it with: rm -r '%s'", h.data(), h.data())
		}
		if err := os.Remove(h.data()); err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
	}
	if err := os.RemoveAll(h.unfinished()); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := os.WriteFile(h.passwordFile(), []byte(rand.Text()), 0o600); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := h.give(h.passwordFile()); err != nil {
		return err
	}
	if err := h.initdb(ctx, bin, isFast); err != nil {
		return err
	}
	if err := os.Rename(h.unfinished(), h.data()); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

func (h home) initdb(ctx context.Context, bin string, isFast bool) error {
	arguments := []string{
		"-D", h.unfinished(), "--username", user, "--pwfile", h.passwordFile(),
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
	}
	if isFast {
		arguments = append(arguments, "--no-sync")
	}
	command := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), arguments...) //nolint:gosec // one of the folders in which PostgreSQL is installed
	command.Dir = h.base
	command.Env = environment()
	command.SysProcAttr = childAttributes(h.owner)
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) } // with the server it runs
	command.WaitDelay = time.Second
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	ended := make(chan error, 1)
	err := startChild(command, func() { ended <- command.Wait() })
	if err == nil {
		err = <-ended
	}
	if ctx.Err() != nil {
		return fmt.Errorf("initialise PostgreSQL's data folder: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("initialise PostgreSQL's data folder: %w: %s", err, lastLines(output.Bytes()))
	}
	return nil
}

// version is the major version of the data, "" while there are none.
func (h home) version() string {
	text, err := os.ReadFile(filepath.Join(h.data(), "PG_VERSION"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func tail(path string) string {
	text, err := os.ReadFile(path) //nolint:gosec // the server's log, in the data folder
	if err != nil {
		return err.Error()
	}
	return lastLines(text)
}

func lastLines(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-8):], []byte("\n")))
}
