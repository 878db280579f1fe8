package pgserver_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServerEndsWithAKilledParent(t *testing.T) {
	t.Parallel()
	dir := reused(t)
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), envParent+"="+dir)
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err, line)
	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())
	require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil }, patience, 10*time.Millisecond)
	stop(t, start(t, dir))
}

func TestLeftoverIsStopped(t *testing.T) {
	t.Parallel()
	dir := reused(t)
	s := start(t, dir)
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", s.PID()))
	require.NoError(t, err)
	data := filepath.Join(s.Home(), "data")
	stop(t, s)

	leftover := exec.CommandContext(t.Context(), program, "-D", data, "-c", "listen_addresses=", "-c", "unix_socket_directories="+data)
	info, err := os.Stat(data)
	require.NoError(t, err)
	if owner := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 {
		leftover.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	leftover.Dir = data
	require.NoError(t, leftover.Start())
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
		return err == nil && strings.Contains(string(text), "ready")
	}, patience, 10*time.Millisecond)

	s = start(t, dir)
	defer stop(t, s)
	require.NoError(t, leftover.Wait(), "it was asked to stop, not killed")
	require.Equal(t, 1, query[int](t, s, "SELECT 1"))
}
