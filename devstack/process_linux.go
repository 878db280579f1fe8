package devstack

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// inspect reads when a process started (the boot, and clock ticks since) and its command line from /proc.
func inspect(pid int) (started, command string, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", err
	}
	// The second field is the name in parentheses and may hold anything; the state follows, the start time is the
	// twentieth field from there.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const state, startTime = 0, 19
	if len(fields) <= startTime {
		return "", "", errors.New("unknown form of /proc/pid/stat")
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return "", "", errors.New("has ended")
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return "", "", err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", "", err
	}
	started = strings.TrimSpace(string(boot)) + "/" + fields[startTime]
	return started, commandLine(strings.Split(string(line), "\x00")), nil
}

// childAttributes gives a child its own process group, so that Ctrl-C reaches only us, and lets it end when we do.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
