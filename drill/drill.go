package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"marketdata/db/audit"
)

// sweepGrace is above the age from which on the sweep looks at a backfill.
const sweepGrace = 31 * time.Second

// Options say what a drill runs. Dir, Binary, Temporal and Now are required.
type Options struct {
	Dir      string // absolute; for data, logs and the dump
	Binary   string // of the product
	Temporal string // the CLI
	Now      func() time.Time
	Tell     func(step string) // is told each step as it begins; nil for none
	// AfterRestore may change the copy before it is compared, given the URL of its database.
	AfterRestore func(ctx context.Context, url string) error
	// WaitsForSweep lets the unfinished backfill wait for the sweep of each minute; without it, the sweep is triggered.
	WaitsForSweep bool
}

// drill is one run.
type drill struct {
	*rig
	from, to *platform
	report   Report
	finished []backfill
	open     backfill
	answers  []answer
	books    books
	backup   backup
}

// Run does the whole drill and stops everything that it started. An error says why nothing is proven; what differs stands
// in the report.
func Run(ctx context.Context, o Options) (report Report, err error) {
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	begin := o.Now()
	o.Tell("start two PostgreSQL and two Temporal servers")
	r, err := openRig(ctx, o)
	if err != nil {
		return report, err
	}
	homes := r.homes()
	defer func() {
		err = errors.Join(err, r.close(context.WithoutCancel(ctx)))
		for _, home := range homes { // they may be elsewhere than in the drill's folder
			_ = os.RemoveAll(home)
			_ = os.Remove(home + ".lock")
		}
	}()
	d := &drill{rig: r, from: &platform{rig: r, site: r.source}, to: &platform{rig: r, site: r.copy}}
	steps := []struct {
		what string
		run  func(context.Context) error
	}{
		{"load the source", d.load},
		{"dump it while its API runs", d.dump},
		{"restore into the empty server", d.restore},
		{"compare", d.compare},
		{"run the platform over the copy", d.prove},
	}
	for _, step := range steps {
		o.Tell(step.what)
		if err := step.run(ctx); err != nil {
			return d.report, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	d.report.Took = o.Now().Sub(begin)
	return d.report, nil
}

// load fills the source, up to an outage in which its worker is lost.
func (d *drill) load(ctx context.Context) error {
	p := d.from
	if err := p.prepare(ctx); err != nil {
		return err
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	var err error
	if d.finished, d.open, err = p.fill(ctx); err != nil {
		return err
	}
	if err := p.awaitOutage(ctx, d.open.ID); err != nil {
		return err
	}
	p.loseWorker()
	return p.heal(ctx)
}

// dump backs up what a snapshot sees, and reads the same itself.
func (d *drill) dump(ctx context.Context) error {
	err := withSnapshot(ctx, d.from.urls.admin, func(snapshot *audit.Snapshot) (err error) {
		if d.backup, err = d.from.dump(ctx, snapshot.ID); err != nil {
			return err
		}
		d.books, err = read(ctx, snapshot)
		return err
	})
	if err != nil {
		return err
	}
	d.answers, err = d.from.answers(ctx, d.finished)
	return err
}

// withSnapshot calls f with a snapshot of a database, which ends with it.
func withSnapshot(ctx context.Context, url string, f func(*audit.Snapshot) error) error {
	a, err := audit.Open(ctx, url)
	if err != nil {
		return err
	}
	defer a.Close()
	snapshot, err := a.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snapshot.Close(ctx)
	return f(snapshot)
}

// restore fills the empty server, and brings its schema up as an upgrade does.
func (d *drill) restore(ctx context.Context) error {
	now := make(chan struct{})
	close(now)
	d.stack.StopChild(d.from.apiName(), now)
	d.stack.StopChild(d.source.temporal(), now) // what it knew is lost
	if err := d.to.restore(ctx, d.backup, d.from); err != nil {
		return err
	}
	d.report.add("backup", fmt.Sprintf("%d bytes", d.backup.bytes()))
	d.to.urls = d.from.urls.at(d.source, d.copy)
	if d.options.AfterRestore == nil {
		return nil
	}
	return d.options.AfterRestore(ctx, d.to.urls.admin)
}

func (d *drill) compare(ctx context.Context) error {
	status, err := d.to.command(ctx, "migrate", "status")
	if err != nil {
		return err
	}
	var faults []string
	if strings.Contains(status, "pending") {
		faults = append(faults, status)
	}
	if _, err := d.to.command(ctx, "migrate", "up"); err != nil {
		faults = append(faults, err.Error())
	}
	d.report.add("migrations", fmt.Sprintf("%d applied", strings.Count(status, ".sql")), faults...)
	return withSnapshot(ctx, d.to.urls.admin, func(snapshot *audit.Snapshot) error {
		copied, err := read(ctx, snapshot)
		if err == nil {
			d.report.compare(d.books, copied)
		}
		return err
	})
}

// prove runs the platform over the copy, first its API alone: a worker would change what is compared.
func (d *drill) prove(ctx context.Context) error {
	p, r := d.to, &d.report
	a, err := audit.Open(ctx, p.urls.admin)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := p.startAPI(ctx); err != nil {
		return err
	}
	if err := p.proveAnswers(ctx, r, d.answers, d.finished); err != nil {
		return err
	}
	open, err := p.api.backfill(ctx, d.open.ID)
	if err != nil {
		return err
	}
	if err := p.startWorker(ctx); err != nil {
		return err
	}
	if err := p.proveMissing(ctx, r); err != nil {
		return err
	}
	if err := p.proveUnfinished(ctx, r, a, open); err != nil {
		return err
	}
	if err := p.proveWork(ctx, r, a); err != nil {
		return err
	}
	if err := p.proveSchedules(ctx, r); err != nil {
		return err
	}
	return p.proveRoles(ctx, r)
}
