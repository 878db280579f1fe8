package chaos

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"marketdata/db/audit"
)

// Row is one fault in the table.
type Row struct {
	Fault     string
	Times     int // injected
	Hit       int // of these, how often it struck what it was meant for
	Recovered int // of these, how many of the chunks or backfills struck are done
}

// Report is what came of a run.
type Report struct {
	Seed     int64
	Workers  int
	Rows     []Row
	Totals   audit.Totals
	Requests int // that the simulator answered
	Verdict  Verdict
	Failures failures
	Took     time.Duration
}

// IsGood reports whether nothing was lost.
func (r Report) IsGood() bool { return r.Verdict.IsGood() }

// judge fills the report in when the platform is at rest.
func (u *run) judge(ctx context.Context, r *Report) error {
	var err error
	// the list of workflows lags behind a little
	_ = await(ctx, aimWithin, func(ctx context.Context) (bool, error) {
		running, err := u.flows.running(ctx)
		return running == 0, err
	})
	if r.Verdict, err = u.Verify(ctx, u.thaws...); err != nil {
		return err
	}
	r.Verdict.Unexplained = r.Failures.unexplained
	if r.Totals, err = u.audit.Totals(ctx); err != nil {
		return err
	}
	log, err := u.log(ctx)
	if err != nil {
		return err
	}
	r.Requests = len(log)
	r.Rows, err = u.rows(ctx)
	return err
}

// rows counts the faults.
func (u *run) rows(ctx context.Context) ([]Row, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	byFault := map[string]*Row{}
	var rows []Row
	for _, fault := range slices.Concat(processFaults(), providerFaults()) {
		byFault[fault] = &Row{Fault: fault, Times: u.times[fault]}
	}
	for _, h := range u.hits {
		row := byFault[h.fault]
		row.Hit++
		isRecovered, err := u.isRecovered(ctx, h)
		if err != nil {
			return nil, err
		}
		if isRecovered {
			row.Recovered++
		}
	}
	for _, fault := range slices.Concat(processFaults(), providerFaults()) {
		rows = append(rows, *byFault[fault])
	}
	return rows, nil
}

// isRecovered reports whether what was hit is done.
func (u *run) isRecovered(ctx context.Context, h hit) (bool, error) {
	for _, jobID := range h.jobIDs {
		if jobID == "" { // the same range was being loaded already
			continue
		}
		chunks, err := u.audit.Chunks(ctx, jobID)
		if err != nil {
			return false, err
		}
		for _, c := range chunks {
			if isMeant := h.workflowID == "" || h.workflowID == c.WorkflowID; isMeant && c.Status != "done" {
				return false, nil
			}
		}
	}
	return true, nil
}

// most is how many lines of one sort the report lists.
const most = 50

// Write writes the table, the totals and every line of the verdict.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "fault\tinjected\thit\trecovered") // a strings.Builder takes everything
	for _, row := range r.Rows {
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\n", row.Fault, row.Times, row.Hit, row.Recovered)
	}
	_, _ = fmt.Fprintln(table)
	for _, total := range r.totals() {
		_, _ = fmt.Fprintf(table, "%s\t%v\n", total.name, total.value)
	}
	_ = table.Flush()
	v := r.Verdict
	for _, list := range []struct {
		name  string
		lines []string
	}{
		{"quarantined", v.Quarantined},
		{"late requests", v.Late},
		{"LOSSES", v.Losses},
		{"DUPLICATES", v.Duplicates},
		{"REPEATED REQUESTS", v.Repeated},
		{"STUCK", v.Stuck},
		{"UNEXPLAINED FAILURES", v.Unexplained},
	} {
		writeList(&b, list.name, list.lines)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeList(b *strings.Builder, name string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", name)
	for i, line := range lines {
		if i == most {
			fmt.Fprintf(b, "  and %d more\n", len(lines)-most)
			return
		}
		fmt.Fprintf(b, "  %s\n", line)
	}
}

type total struct {
	name  string
	value any
}

func (r Report) totals() []total {
	v := r.Verdict
	kinds := make([]string, 0, len(r.Failures.byKind))
	for _, kind := range slices.Sorted(maps.Keys(r.Failures.byKind)) {
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, r.Failures.byKind[kind]))
	}
	return []total{
		{"seed", r.Seed},
		{"workers", r.Workers},
		{"series", v.Series},
		{"backfills", r.Totals.Backfills},
		{"chunks", r.Totals.Chunks},
		{"chunks taken over", r.Totals.Takeovers},
		{"loads", r.Totals.Loads},
		{"failed chunks, retried", strings.Join(kinds, ", ")},
		{"requests", r.Requests},
		{"answers stored", r.Totals.Pages},
		{"of these unreadable", r.Totals.Unreadable},
		{"bars stored", r.Totals.Bars},
		{"bars restated", r.Totals.Restated},
		{"bars compared", v.Compared},
		{"quarantined", len(v.Quarantined)},
		{"late requests", len(v.Late)},
		{"losses", len(v.Losses)},
		{"duplicates", len(v.Duplicates)},
		{"repeated requests", len(v.Repeated)},
		{"stuck", len(v.Stuck)},
		{"unexplained failures", len(v.Unexplained)},
		{"seconds", int(r.Took.Seconds())},
	}
}
