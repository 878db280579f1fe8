package drill

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Row is one thing that was proven, or not.
type Row struct {
	What   string
	Found  string   // in the copy
	Faults []string // none where it is as it must be
}

// Report is what came of a drill.
type Report struct {
	Rows []Row
	Took time.Duration
}

// IsGood reports whether the copy is equal and works.
func (r Report) IsGood() bool { return len(r.Rows) > 0 && len(r.Faults()) == 0 }

// Faults returns every difference and failure, in words.
func (r Report) Faults() []string {
	var all []string
	for _, row := range r.Rows {
		for _, fault := range row.Faults {
			all = append(all, row.What+": "+fault)
		}
	}
	return all
}

func (r *Report) add(what, found string, faults ...string) {
	r.Rows = append(r.Rows, Row{What: what, Found: found, Faults: faults})
}

// most is how many faults of one row are told.
const most = 10

// Write writes the table, then the faults.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range r.Rows {
		verdict := "ok"
		if len(row.Faults) > 0 {
			verdict = "DIFFERS"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", row.What, row.Found, verdict) // a strings.Builder takes everything
	}
	_, _ = fmt.Fprintf(table, "seconds\t%d\t\n", int(r.Took.Seconds()))
	_ = table.Flush()
	for _, row := range r.Rows {
		for i, fault := range row.Faults {
			if i == most {
				fmt.Fprintf(&b, "%s: and %d more\n", row.What, len(row.Faults)-most)
				break
			}
			fmt.Fprintf(&b, "%s: %s\n", row.What, fault)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
