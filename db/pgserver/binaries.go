package pgserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// installHint is what a person without PostgreSQL must do.
const installHint = "install them with: sudo apt-get install -y postgresql"

// findBinaries returns the folder with postgres and initdb: of the version that made the data, else of the newest. They
// are looked for on PATH, in Debian's usual place and where pg_config says, and downloaded as a last resort.
func findBinaries(ctx context.Context, h home) (string, error) {
	found := localBinaries(ctx)
	if len(found) == 0 {
		downloaded, err := download(ctx, h)
		if err != nil {
			return "", fmt.Errorf("the PostgreSQL server programs (postgres, initdb) were not found and could not be downloaded: %s", installHint)
		}
		found = []string{downloaded}
	}
	want := h.version()
	if want == "" {
		return found[0], nil
	}
	for _, bin := range found {
		if majorVersion(ctx, bin) == want {
			return bin, nil
		}
	}
	return "", fmt.Errorf("the data in %s were made by PostgreSQL %s, found is %s: install postgresql-%s, or move the folder away to begin anew",
		h.data(), want, majorVersion(ctx, found[0]), want)
}

// localBinaries lists folders that have both programs, newest version first.
func localBinaries(ctx context.Context) []string {
	var candidates []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			candidates = append(candidates, filepath.Dir(path))
		}
	}
	if debian, err := filepath.Glob("/usr/lib/postgresql/*/bin"); err == nil {
		candidates = append(candidates, debian...)
	}
	if output, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(output)))
	}
	var found []string
	for _, bin := range candidates {
		if !slices.Contains(found, bin) && hasPrograms(bin) {
			found = append(found, bin)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return number(majorVersion(ctx, b)) - number(majorVersion(ctx, a)) })
	return found
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// majorVersion asks the program itself: "postgres (PostgreSQL) 15.18 (Debian …)" is "15".
func majorVersion(ctx context.Context, bin string) string {
	output, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output() //nolint:gosec // one of the folders in which PostgreSQL is installed
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(output))
	if len(fields) < 3 {
		return ""
	}
	major, _, _ := strings.Cut(fields[2], ".")
	return major
}

// download fetches server programs. The library that does it means to run them too: it may start and stop a server of
// its own, and as root it cannot; what counts is that the programs are there.
func download(ctx context.Context, h home) (string, error) {
	bin := filepath.Join(h.base, "programs", "bin")
	if hasPrograms(bin) {
		return bin, nil
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	scratch := filepath.Join(h.base, "scratch")
	defer func() { _ = os.RemoveAll(scratch) }() // ours, and of no further use
	number := uint32(port)                       //nolint:gosec // the kernel chose it
	server := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().Logger(io.Discard).Port(number).
		BinariesPath(filepath.Dir(bin)).CachePath(filepath.Join(scratch, "cache")).
		RuntimePath(filepath.Join(scratch, "run")).DataPath(filepath.Join(scratch, "data")))
	failure := server.Start()
	if failure == nil {
		failure = server.Stop()
	}
	if hasPrograms(bin) {
		return bin, nil
	}
	return "", failure
}

func hasPrograms(bin string) bool {
	return isProgram(filepath.Join(bin, "postgres")) && isProgram(filepath.Join(bin, "initdb"))
}
