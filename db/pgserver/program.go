package pgserver

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
)

// ClientProgram returns a command that runs a program of the server's own version, such as pg_dump, as the server's own user
// against one of its databases. The password goes by the environment, where other users of the machine cannot read it.
// The error says what a person must do.
func (s *Server) ClientProgram(ctx context.Context, name, database string, args ...string) (*exec.Cmd, error) {
	path := filepath.Join(s.bin, name)
	if !isProgram(path) {
		return nil, fmt.Errorf("PostgreSQL's program %s is not in %s: %s", name, s.bin, installHint)
	}
	command := exec.CommandContext(ctx, path, args...) //nolint:gosec // one of the programs of the installed PostgreSQL
	command.Env = append(environment(), "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(s.port), "PGUSER="+user, "PGPASSWORD="+s.password,
		"PGDATABASE="+database, "PGSSLMODE=disable")
	return command, nil
}

// TakePassword tells the server object that the password of the server's own user is another server's now, as it is after
// that one's roles were restored into it.
func (s *Server) TakePassword(of *Server) { s.password = of.password }
