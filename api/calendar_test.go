package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestCalendars(t *testing.T) {
	t.Parallel()
	list := decode[struct {
		Data []struct{ Name, Timezone, Open, Close string }
		Meta struct{ Returned int }
	}](t, newWorld().get(t, "/v1/calendars"), http.StatusOK)
	require.Equal(t, len(list.Data), list.Meta.Returned)
	found := map[string]string{}
	for _, c := range list.Data {
		found[c.Name] = strings.Join([]string{c.Timezone, c.Open, c.Close}, " ")
	}
	for name, want := range map[string]string{
		"24x7": "UTC 00:00 24:00", "XNYS": "America/New_York 09:30 16:00", "XNAS": "America/New_York 09:30 16:00", "XLON": "Europe/London 08:00 16:30",
		"XETR": "Europe/Berlin 09:00 17:30", "XPAR": "Europe/Paris 09:00 17:30", "XTKS": "Asia/Tokyo 09:00 15:30",
		"XHKG": "Asia/Hong_Kong 09:30 16:00", "XASX": "Australia/Sydney 10:00 16:00",
	} {
		require.Equal(t, want, found[name], name)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, tc := range []struct{ path, want string }{
		{"xnys/sessions?start=2024-07-03&end=2024-07-06", `[{"date":"2024-07-03","open":"2024-07-03T13:30:00Z","close":"2024-07-03T17:00:00Z","early_close":true},` +
			`{"date":"2024-07-05","open":"2024-07-05T13:30:00Z","close":"2024-07-05T20:00:00Z","early_close":false}]`},
		{"XNYS/sessions?start=2024-01-02&end=2024-01-03", `[{"date":"2024-01-02","open":"2024-01-02T14:30:00Z","close":"2024-01-02T21:00:00Z","early_close":false}]`},
		{"XASX/sessions?start=2024-03-11&end=2024-03-12", `[{"date":"2024-03-11","open":"2024-03-10T23:00:00Z","close":"2024-03-11T05:00:00Z","early_close":false}]`},
		{"XTKS/sessions?start=2024-02-13&end=2024-02-14", `[{"date":"2024-02-13","open":"2024-02-13T00:00:00Z","close":"2024-02-13T06:00:00Z","early_close":false,` +
			`"break_start":"2024-02-13T02:30:00Z","break_end":"2024-02-13T03:30:00Z"}]`},
		{"24X7/sessions?start=2024-02-10&end=2024-02-11", `[{"date":"2024-02-10","open":"2024-02-10T00:00:00Z","close":"2024-02-11T00:00:00Z","early_close":false}]`},
		{"XLON/sessions?start=2024-03-29&end=2024-04-02", `[]`}, // Easter
	} {
		body := w.get(t, "/v1/calendars/"+tc.path)
		require.Equal(t, http.StatusOK, body.status, body.body)
		_, data, _ := strings.Cut(body.body, `"data":`)
		data, _, _ = strings.Cut(data, `,"meta"`)
		require.JSONEq(t, tc.want, data, tc.path)
	}
	year := decode[struct {
		Meta struct{ Returned int }
	}](t, w.get(t, "/v1/calendars/XNYS/sessions?start=2024-01-01"), http.StatusOK)
	require.Equal(t, 252, year.Meta.Returned, "a year where no end is given")
}

func TestSessionsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.get(t, "/v1/calendars/MOON/sessions?start=2024-01-01").problem(t, http.StatusNotFound, market.KindNotFound)
	for query, location := range map[string]string{
		"": "query.start", "start=soon": "query.start", "start=2024-01-01&end=soon": "query.end",
		"start=2024-01-02&end=2024-01-01": "query.start", "start=2024-01-01&end=2024-01-01": "query.start",
		"start=1990-01-01&end=2090-01-01": "query.end", "start=2024-01-01&to=2025-01-01": "query.to",
		"start=9999-12-31": "query.start", "start=9999-12-01&end=9999-12-31T12:00:00Z": "query.end",
	} {
		problem := w.get(t, "/v1/calendars/XNYS/sessions?"+query).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
		require.Equal(t, []string{location}, problem.locations(), query)
	}
}

// TestSessionsAtTheEndOfTime: no instant of an answer lies beyond the years that can be written.
func TestSessionsAtTheEndOfTime(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, query := range []string{"start=9999-12-01", "start=9999-12-30&end=9999-12-31", "start=0001-01-01&end=0001-01-05"} {
		for _, name := range []string{"24x7", "XASX"} {
			a := w.get(t, "/v1/calendars/"+name+"/sessions?"+query)
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Contains(t, a.body, `"date":`)
		}
	}
}
