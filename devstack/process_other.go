//go:build !linux

package devstack

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// inspect asks ps when a process started and for its command line.
func inspect(pid int) (started, command string, err error) {
	out, err := exec.Command("ps", "-o", "stat=,lstart=,command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", "", err
	}
	fields := strings.Fields(string(out))
	const startWords = 5 // as in Mon Jan 2 15:04:05 2006
	if len(fields) <= 1+startWords || strings.HasPrefix(fields[0], "Z") {
		return "", "", errors.New("has ended")
	}
	return strings.Join(fields[1:1+startWords], " "), strings.Join(fields[1+startWords:], " "), nil
}

// childAttributes gives a child its own process group, so that Ctrl-C reaches only us.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
