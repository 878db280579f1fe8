//go:build unix && !linux

package pgserver

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes gives the server its own process group and its user.
func childAttributes(o *owner) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if o != nil {
		attributes.Credential = &syscall.Credential{Uid: o.uid, Gid: o.gid}
	}
	return attributes
}

// processesOn lists the PostgreSQL servers on the data folder, by their command lines.
func processesOn(data string) []int {
	output, err := exec.Command("ps", "-axo", "pid=,command=").Output() //nolint:noctx // prints a list
	if err != nil {
		return nil
	}
	var pids []int
	for _, line := range strings.Split(string(output), "\n") {
		text, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		pid, err := strconv.Atoi(text)
		if err == nil && strings.Contains(command, "postgres -D "+data+" ") {
			pids = append(pids, pid)
		}
	}
	return pids
}
