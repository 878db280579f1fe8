package delivery_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"marketdata/delivery"
)

const profile = `mode: atomic
marketdata/api/bar.go:1.1,2.2 3 0
marketdata/api/bar.go:3.1,4.2 1 7
marketdata/db/bar.go:1.1,2.2 4 0
marketdata/api/bar.go:1.1,2.2 3 1
marketdata/api/bar.go:3.1,4.2 1 0
`

func TestReadCoverage_CountsEveryBlockOnce(t *testing.T) {
	t.Parallel()
	coverage, err := delivery.ReadCoverage(strings.NewReader(profile))
	require.NoError(t, err)
	require.Equal(t, delivery.Covered{Statements: 8, Covered: 4}, coverage.Total)
	require.InDelta(t, 50, coverage.Total.Percent(), 1e-9)
	require.Equal(t, []delivery.Covered{
		{Name: "marketdata/api", Statements: 4, Covered: 4},
		{Name: "marketdata/db", Statements: 4},
	}, coverage.Packages)
	require.Equal(t, []string{"marketdata/worker"}, coverage.Missing([]string{"marketdata/api", "marketdata/worker"}))
	require.Zero(t, delivery.Covered{}.Percent())
}

func TestReadCoverage_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		profile io.Reader
		refusal string
	}{
		{"empty", strings.NewReader(""), "nothing was measured"},
		{"only a heading", strings.NewReader("mode: set\n"), "nothing was measured"},
		{"another file", strings.NewReader("mode: set\nhello\n"), "line 2 of the profile"},
		{"no count", strings.NewReader("a.go:1.1,2.2 x 1\n"), "no block"},
		{"no place", strings.NewReader("a 1 1\n"), "no block"},
		{"cut", iotest.ErrReader(errors.New("cut")), "cut"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := delivery.ReadCoverage(tt.profile)
			require.ErrorContains(t, err, tt.refusal)
		})
	}
}

func TestCoverage_IsShown(t *testing.T) {
	t.Parallel()
	coverage, err := delivery.ReadCoverage(strings.NewReader(profile))
	require.NoError(t, err)
	require.Contains(t, coverage.Table(85), "**50.0 %** of 8 statements of the whole module; the floor is 85 %.")
	require.Contains(t, coverage.Table(85), "| `marketdata/api` | 4 | 100.0 % |\n| `marketdata/db` | 4 | 0.0 % |\n")
	low, high := coverage.Badge(85), coverage.Badge(50)
	require.Contains(t, low, "50.0 %")
	require.Contains(t, low, "#c62828", "below the floor it is red")
	require.NotContains(t, high, "#c62828")
	require.NoError(t, xml.Unmarshal([]byte(low), new(struct{})), "a picture that browsers can read")
}
