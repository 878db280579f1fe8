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
	Injected  int // how often it struck what it was meant for
	Missed    int // how often nothing came by that it could strike
	Recovered int // of the injected, after how many all chunks or backfills struck are done
}

// Report is what came of a run.
type Report struct {
	Seed     int64
	Workers  int
	Lasts    time.Duration // of the faults
	Rows     []Row
	Totals   audit.Totals
	Requests int // that the simulator answered
	Verdict  Verdict
	Failures failures
	Took     time.Duration
}

// everyKindAfter is how long faults last in a run that every kind of fault must have struck in.
const everyKindAfter = 10 * time.Minute

// IsGood reports whether the run is a proof, and nothing was lost in it.
func (r Report) IsGood() bool { return r.Verdict.IsGood() && len(r.unproven()) == 0 }

// unproven lists why the run proves nothing, whatever the verdict is.
func (r Report) unproven() []string {
	var why []string
	if r.Verdict.Compared == 0 {
		why = append(why, "no bar was compared")
	}
	isStruck := slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Injected > 0 })
	if !isStruck {
		return append(why, "no fault struck anything")
	}
	for _, row := range r.Rows {
		if row.Injected == 0 && r.Lasts >= everyKindAfter {
			why = append(why, fmt.Sprintf("%s: it struck nothing, and missed %d times", row.Fault, row.Missed))
		}
	}
	return why
}

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
		byFault[fault] = &Row{Fault: fault, Missed: u.misses[fault]}
	}
	for _, h := range u.hits {
		row := byFault[h.fault]
		row.Injected++
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

// most is how many lines of one sort the report lists, but for what is to be listed in full.
const most = 50

// Write writes the table, the totals and every line of the verdict.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "fault\tinjected\tmissed\trecovered") // a strings.Builder takes everything
	for _, row := range r.Rows {
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\n", row.Fault, row.Injected, row.Missed, row.Recovered)
	}
	_, _ = fmt.Fprintln(table)
	for _, total := range r.totals() {
		_, _ = fmt.Fprintf(table, "%s\t%v\n", total.name, total.value)
	}
	_ = table.Flush()
	v := r.Verdict
	writeList(&b, "quarantined", v.Quarantined, len(v.Quarantined))
	for _, list := range []struct {
		name  string
		lines []string
	}{
		{"late requests", v.Late},
		{"LOSSES", v.Losses},
		{"DUPLICATES", v.Duplicates},
		{"REPEATED REQUESTS", v.Repeated},
		{"STUCK", v.Stuck},
		{"UNEXPLAINED FAILURES", v.Unexplained},
		{"NOTHING IS PROVEN", r.unproven()},
	} {
		writeList(&b, list.name, list.lines, most)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeList writes so many of the lines, and how many more there are.
func writeList(b *strings.Builder, name string, lines []string, most int) {
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
