package chaos

import (
	"context"
	"errors"

	"marketdata/db/pgserver"
)

// StartPostgres starts the database server on its data, and on the port it had before.
func (r *Rig) StartPostgres(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := pgserver.Options{Dir: r.postgresDir(), Settings: map[string]string{
		// What was written survives the end of a process; only the machine's own end would need more, and is not tried.
		"fsync": "off", "max_connections": "500",
	}}
	if r.postgres != nil {
		o.Port = r.postgres.Port()
	}
	server, err := pgserver.Start(ctx, o)
	if err != nil {
		return err
	}
	r.postgres = server
	return nil
}

// CrashPostgres ends the database server hard: killed, or, where isImmediate, stopped without finishing anything.
func (r *Rig) CrashPostgres(isImmediate bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.postgres == nil {
		return errors.New("PostgreSQL does not run")
	}
	r.postgres.Crash(isImmediate)
	return nil
}
