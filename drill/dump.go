package drill

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"marketdata/db/pgserver"
)

// Roles that the drill makes beside the platform's own, as docs/configuration.md tells an operator to.
const (
	ownerLogin   = "drill_owner" // of the database and of migrations
	appLogin     = "drill_app"   // of API and worker
	grafanaLogin = "marketdata_grafana"
	appRole      = "marketdata_app"
)

// prepare makes the roles, the database and its tables on the source.
func (p *platform) prepare(ctx context.Context) error {
	server := p.site.postgres
	password := rand.Text()
	p.urls = loginURLs(server, password)
	if err := server.AllowLogin(ctx, pgserver.Login{Name: ownerLogin, Password: password, MayMakeRoles: true}); err != nil {
		return err
	}
	if err := server.CreateDatabase(ctx, database); err != nil {
		return err
	}
	if err := server.GiveDatabase(ctx, database, ownerLogin); err != nil {
		return err
	}
	if _, err := p.command(ctx, "migrate", "up"); err != nil {
		return err
	}
	if err := server.AllowLogin(ctx, pgserver.Login{Name: appLogin, Password: password, MemberOf: appRole}); err != nil {
		return err
	}
	return server.AllowLogin(ctx, pgserver.Login{Name: grafanaLogin, Password: password})
}

func loginURLs(server *pgserver.Server, password string) urls {
	login := func(role string) string { return server.LoginURL(database, role, password) }
	return urls{admin: server.DatabaseURL(database), owner: login(ownerLogin), app: login(appLogin), grafana: login(grafanaLogin)}
}

// backup is what pg_dumpall and pg_dump wrote.
type backup struct{ roles, data string }

// dump backs the source up as it was in the snapshot, while the platform goes on.
func (p *platform) dump(ctx context.Context, snapshot string) (backup, error) {
	dir := p.rig.options.Dir
	b := backup{roles: filepath.Join(dir, "globals.sql"), data: filepath.Join(dir, database+".dump")}
	if _, err := p.program(ctx, "pg_dumpall", database, "--globals-only", "--file", b.roles); err != nil {
		return b, err
	}
	_, err := p.program(ctx, "pg_dump", database, "--format", "custom", "--snapshot", snapshot, "--file", b.data)
	return b, err
}

// bytes is the size of the backup.
func (b backup) bytes() int64 {
	var n int64
	for _, name := range []string{b.roles, b.data} {
		if info, err := os.Stat(name); err == nil {
			n += info.Size()
		}
	}
	return n
}

// restore brings a backup into an empty server. The role that made the server is there already, which psql says; its
// password is the source's afterwards.
func (p *platform) restore(ctx context.Context, b backup, from *platform) error {
	said, err := p.program(ctx, "psql", "postgres", "--no-psqlrc", "--quiet", "--file", b.roles)
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(said, "\n") {
		if strings.Contains(line, "ERROR:") && !strings.Contains(line, `role "marketdata" already exists`) {
			return fmt.Errorf("psql: %s", line)
		}
	}
	p.site.postgres.TakePassword(from.site.postgres)
	_, err = p.program(ctx, "pg_restore", "postgres", "--create", "--exit-on-error", "--jobs", "2", "--dbname", "postgres", b.data)
	return err
}

// program runs a program of PostgreSQL against the site's server and returns what it said.
func (p *platform) program(ctx context.Context, name, database string, args ...string) (string, error) {
	command, err := p.site.postgres.ClientProgram(ctx, name, database, args...)
	if err != nil {
		return "", err
	}
	return said(command, name)
}

func said(command *exec.Cmd, name string) (string, error) {
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out.Bytes()))
	}
	return out.String(), nil
}
