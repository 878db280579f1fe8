package chaos_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/chaos"
)

func TestReportIsGoodOnlyWhereSomethingIsProven(t *testing.T) {
	t.Parallel()
	const minutes = time.Minute
	struck := chaos.Row{Fault: chaos.KilledInFetch, Injected: 2, Recovered: 2}
	missed := chaos.Row{Fault: chaos.KilledInUpsert, Missed: 3}
	compared := chaos.Verdict{Compared: 1}
	for _, test := range []struct {
		name   string
		report chaos.Report
		want   string // why it is not good; "" where it is
	}{
		{"empty", chaos.Report{}, "no bar was compared"},
		{"nothing compared", chaos.Report{Rows: []chaos.Row{struck}}, "no bar was compared"},
		{"nothing injected", chaos.Report{Verdict: compared}, "no fault struck anything"},
		{"only misses", chaos.Report{Lasts: minutes, Rows: []chaos.Row{missed}, Verdict: compared}, "no fault struck anything"},
		{
			"a kind missed in a long run",
			chaos.Report{Lasts: 10 * minutes, Rows: []chaos.Row{struck, missed}, Verdict: compared},
			"worker killed in upsert: it struck nothing, and missed 3 times",
		},
		{
			"a kind never tried in a long run",
			chaos.Report{Lasts: 11 * minutes, Rows: []chaos.Row{struck, {Fault: chaos.Gap}}, Verdict: compared},
			"a gap that heals: it struck nothing, and missed 0 times",
		},
		{"a loss", chaos.Report{Rows: []chaos.Row{struck}, Verdict: chaos.Verdict{Compared: 1, Losses: []string{"a bar"}}}, "LOSSES"},
		{"a kind missed in a short run", chaos.Report{Lasts: 9 * minutes, Rows: []chaos.Row{struck, missed}, Verdict: compared}, ""},
		{"all struck in a long run", chaos.Report{Lasts: 10 * minutes, Rows: []chaos.Row{struck}, Verdict: compared}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var written strings.Builder
			require.NoError(t, test.report.Write(&written))
			require.Equal(t, test.want == "", test.report.IsGood(), written.String())
			require.Contains(t, written.String(), test.want)
			require.Equal(t, test.want != "" && test.name != "a loss", strings.Contains(written.String(), "NOTHING IS PROVEN"))
		})
	}
	require.False(t, chaos.Verdict{}.IsGood(), "nothing was compared")
	require.True(t, compared.IsGood())
}

func TestReportListsQuarantinedRowsInFull(t *testing.T) {
	t.Parallel()
	var r chaos.Report
	for i := range 60 {
		r.Verdict.Quarantined = append(r.Verdict.Quarantined, fmt.Sprintf("row %d.", i))
		r.Verdict.Losses = append(r.Verdict.Losses, fmt.Sprintf("bar %d.", i))
	}
	r.Rows = []chaos.Row{{Fault: chaos.Gap, Injected: 4, Missed: 5, Recovered: 3}}
	var written strings.Builder
	require.NoError(t, r.Write(&written))
	require.Contains(t, written.String(), "row 59.")
	require.NotContains(t, written.String(), "bar 59.")
	require.Contains(t, written.String(), "and 10 more")
	require.Regexp(t, `fault +injected +missed +recovered\na gap that heals +4 +5 +3\n`, written.String())
}
