package drill

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"marketdata/db/audit"
	"marketdata/market"
)

// answer is what an API said on a path.
type answer struct {
	path string
	body []byte
}

// answers asks for everything that clients read and that no clock changes.
func (p *platform) answers(ctx context.Context, finished []backfill) ([]answer, error) {
	paths := []string{"/v1/instruments?limit=100"}
	for _, i := range instruments() {
		paths = append(paths, "/v1/instruments/"+i.id())
	}
	for _, b := range finished {
		paths = append(paths, "/v1/backfills/"+b.ID)
	}
	for _, l := range append(history(), unfinished()) {
		paths = append(paths, l.path()+"&limit=10000", l.path()+"&limit=500&order=desc&numbers=string")
	}
	var all []answer
	for _, path := range paths {
		body, err := p.api.get(ctx, path)
		if err != nil {
			return nil, err
		}
		all = append(all, answer{path: path, body: body})
	}
	return all, nil
}

// proveAnswers holds the copy's answers against the source's, byte by byte.
func (p *platform) proveAnswers(ctx context.Context, r *Report, want []answer, finished []backfill) error {
	got, err := p.answers(ctx, finished)
	if err != nil {
		return err
	}
	var size int
	var faults []string
	for i, a := range want {
		size += len(a.body)
		if !bytes.Equal(a.body, got[i].body) {
			faults = append(faults, a.path+" is answered differently")
		}
	}
	r.add("answers of the API", fmt.Sprintf("%d, %d bytes", len(got), size), faults...)
	return nil
}

// proveMissing asks for everything that is there again: nothing is missing, so nothing is to be done.
func (p *platform) proveMissing(ctx context.Context, r *Report) error {
	var faults []string
	for _, l := range history() {
		b, err := l.begin(ctx, p.api, market.PolicyMissing)
		if err != nil {
			return err
		}
		// what broke a rule is not missing either: the provider has answered it
		if b.Progress.Chunks.Total > 0 {
			faults = append(faults, fmt.Sprintf("%s %s has %d chunks to load anew", l.instrument, l.interval, b.Progress.Chunks.Total))
		}
	}
	r.add("backfills of what is there", fmt.Sprintf("%d, nothing to load", len(history())), faults...)
	return nil
}

// proveUnfinished waits for the backfill that the source did not finish. The new Temporal server has never heard of it: the
// sweep of each minute starts its workflow, and what was loaded or fetched before is not asked for again. before is how the
// backfill stood when no worker was there.
func (p *platform) proveUnfinished(ctx context.Context, r *Report, a *audit.Auditor, before backfill) error {
	id, begin := before.ID, p.rig.options.Now()
	if !p.rig.options.WaitsForSweep {
		if err := p.awaitAge(ctx, a, id); err != nil {
			return err
		}
		if err := p.site.sweep(ctx); err != nil {
			return err
		}
	}
	b, err := p.api.finish(ctx, id)
	if err != nil {
		r.add("unfinished backfill", string(b.Status), err.Error())
		return nil //nolint:nilerr // told in the report
	}
	r.add("unfinished backfill", fmt.Sprintf("%s with %d of %d chunks done; %s %.0f s later", before.Status, before.Progress.Chunks.Done,
		before.Progress.Chunks.Total, b.Status, p.rig.options.Now().Sub(begin).Seconds()))
	return nil
}

// awaitAge waits until the sweep looks at the backfill: it leaves alone what is new.
func (p *platform) awaitAge(ctx context.Context, a *audit.Auditor, id string) error {
	return await(ctx, func(ctx context.Context) (bool, error) {
		age, err := a.Age(ctx, id)
		return age > sweepGrace, err
	})
}

// proveWork loads something new and looks at the books of everything.
func (p *platform) proveWork(ctx context.Context, r *Report, a *audit.Auditor) error {
	l := after()
	b, err := l.begin(ctx, p.api, market.PolicyMissing)
	if err == nil {
		b, err = p.api.finish(ctx, b.ID)
	}
	if err != nil {
		return err
	}
	var faults []string
	if b.Progress.Bars.Inserted == 0 {
		faults = append(faults, "it loaded no bar")
	}
	r.add("a new backfill", fmt.Sprintf("%d bars", b.Progress.Bars.Inserted), faults...)

	problems, err := a.Problems(ctx)
	if err != nil {
		return err
	}
	repeated, err := a.Repeated(ctx)
	if err != nil {
		return err
	}
	faults = nil
	for _, problem := range append(problems, repeated...) {
		faults = append(faults, problem.What)
	}
	totals, err := a.Totals(ctx)
	if err != nil {
		return err
	}
	r.add("books afterwards", fmt.Sprintf("%d bars of %d loads, %d answers stored", totals.Bars, totals.Loads, totals.Pages), faults...)
	return nil
}

// proveSchedules waits until the schedules are in the new Temporal server: their definitions are in PostgreSQL.
func (p *platform) proveSchedules(ctx context.Context, r *Report) error {
	var alive, all int
	err := await(ctx, func(ctx context.Context) (bool, error) {
		var list struct {
			Data []struct {
				NextRunAt *string `json:"next_run_at"`
			} `json:"data"`
		}
		text, err := p.api.get(ctx, "/v1/schedules")
		if err == nil {
			err = decode("/v1/schedules", text, &list)
		}
		alive, all = 0, len(list.Data)
		for _, s := range list.Data {
			if s.NextRunAt != nil {
				alive++
			}
		}
		return all > 0 && alive == all, err
	})
	if err != nil {
		r.add("schedules", fmt.Sprintf("%d of %d have a next run", alive, all), err.Error())
		return nil //nolint:nilerr // told in the report
	}
	r.add("schedules", fmt.Sprintf("%d, each with its next run", all))
	return nil
}

// proveRoles logs in as the application and as Grafana do.
func (p *platform) proveRoles(ctx context.Context, r *Report) error {
	app, err := roleOf(ctx, p.urls.app)
	if err != nil {
		return err
	}
	grafana, err := roleOf(ctx, p.urls.grafana)
	if err != nil {
		return err
	}
	var faults []string
	for _, claim := range []struct {
		holds bool
		what  string
	}{
		{app.ReadsBars && app.WritesBars && app.ReadsPages, "the application's role cannot read and write"},
		{!app.MakesTables, "the application's role may make tables"},
		{grafana.ReadsBars, "Grafana's role cannot read bars"},
		{!grafana.WritesBars && !grafana.ReadsPages && !grafana.MakesTables, "Grafana's role may do more than read"},
		{grafana.StatementTimeout == "30s", "the statement timeout of Grafana's role is " + grafana.StatementTimeout},
	} {
		if !claim.holds {
			faults = append(faults, claim.what)
		}
	}
	r.add("logins", strings.Join([]string{app.Name, grafana.Name + " (statement timeout " + grafana.StatementTimeout + ")"}, ", "), faults...)
	return nil
}

func roleOf(ctx context.Context, url string) (audit.Role, error) {
	a, err := audit.Open(ctx, url)
	if err != nil {
		return audit.Role{}, err
	}
	defer a.Close()
	return a.Role(ctx)
}
