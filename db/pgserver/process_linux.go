package pgserver

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes gives the server its own process group, its user, and lets it end when we do.
func childAttributes(o *owner) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	if o != nil {
		attributes.Credential = &syscall.Credential{Uid: o.uid, Gid: o.gid}
	}
	return attributes
}

// processesOn lists the PostgreSQL processes whose working folder is the data folder: the server and its children.
func processesOn(data string) []int {
	data, err := filepath.EvalSymlinks(data)
	if err != nil {
		return nil
	}
	folders, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		return nil
	}
	var pids []int
	for _, folder := range folders {
		cwd, err := os.Readlink(folder)
		if err != nil || cwd != data {
			continue
		}
		process := filepath.Dir(folder)
		name, err := os.ReadFile(filepath.Join(process, "comm")) //nolint:gosec // below /proc
		if err != nil || !strings.HasPrefix(string(name), "postgres") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(process)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
