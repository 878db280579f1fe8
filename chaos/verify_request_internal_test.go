package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db/audit"
)

func TestUnneededRequests(t *testing.T) {
	t.Parallel()
	begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
	ask := func(seconds, status int) request {
		return request{At: at(seconds), Path: "/klines", Query: "b=2&a=1", Status: status}
	}
	// answered is an answer asked for at an instant, of a chunk that was claimed at another.
	answered := func(seconds, claimed int) audit.Page {
		return audit.Page{URL: "http://127.0.0.1:1/klines?a=1&b=2", RequestedAt: at(seconds).Add(-time.Millisecond), ChunkAt: at(claimed)}
	}
	for _, test := range []struct {
		name  string
		log   []request
		pages []audit.Page
		want  int // oddities
	}{
		{"answered and stored", []request{ask(5, 200)}, []audit.Page{answered(5, 0)}, 0},
		{"refused before", []request{ask(3, 429), ask(5, 200)}, []audit.Page{answered(5, 0)}, 0},
		{"answered, lost and asked again", []request{ask(3, 200), ask(5, 200)}, []audit.Page{answered(5, 0)}, 0},
		{"asked by two chunks", []request{ask(3, 200), ask(9, 200)}, []audit.Page{answered(3, 0), answered(9, 7)}, 0},
		{"asked again after it was stored", []request{ask(5, 200), ask(6, 200)}, []audit.Page{answered(5, 0)}, 1},
		{"refused after it was stored", []request{ask(5, 200), ask(6, 503)}, []audit.Page{answered(5, 0)}, 1},
		{"refused, and its chunk asked for less later", []request{ask(5, 401)}, nil, 0},
		{"refused before another chunk stored it", []request{ask(3, 401), ask(9, 200)}, []audit.Page{answered(9, 7)}, 0},
		{"refused after another chunk stored it", []request{ask(3, 200), ask(9, 401)}, []audit.Page{answered(3, 0)}, 1},
		{"lost before the only chunk began", []request{ask(3, 200), ask(9, 200)}, []audit.Page{answered(9, 7)}, 1},
		{"never stored", []request{ask(5, 200)}, nil, 1},
		{"stored and never asked", nil, []audit.Page{answered(5, 0)}, 1},
		{"stored twice and asked once", []request{ask(5, 200)}, []audit.Page{answered(5, 0), answered(5, 0)}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			odd, err := unneeded(test.log, test.pages)
			require.NoError(t, err)
			require.Len(t, odd, test.want, "%+v", odd)
		})
	}
}

func TestOneLateRequestIsExcusedForEachThaw(t *testing.T) {
	t.Parallel()
	begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
	late := func(seconds int) oddity { return oddity{at: at(seconds), what: "request", isRequest: true} }
	for _, test := range []struct {
		name         string
		odd          []oddity
		thaws        []time.Time
		faults, late int
	}{
		{"no thaw", []oddity{late(5)}, nil, 1, 0},
		{"one", []oddity{late(5)}, []time.Time{at(4)}, 0, 1},
		{"before it", []oddity{late(3)}, []time.Time{at(4)}, 1, 0},
		{"long after it", []oddity{late(24)}, []time.Time{at(4)}, 1, 0},
		{"two after one", []oddity{late(5), late(6)}, []time.Time{at(4)}, 1, 1},
		{"two after two", []oddity{late(15), late(16)}, []time.Time{at(14), at(4)}, 0, 2},
		{"each after its own", []oddity{late(15), late(30)}, []time.Time{at(14), at(4)}, 0, 2},
		{"an answer that nobody asked for", []oddity{{at: at(5), what: "answer"}}, []time.Time{at(4)}, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			faults, excused := excuse(test.odd, test.thaws)
			require.Len(t, faults, test.faults)
			require.Len(t, excused, test.late)
		})
	}
}
