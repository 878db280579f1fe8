package delivery_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/delivery"
)

const changelog = `# Changelog

## [Unreleased]

### Added

- What comes.

## [1.2.0] - 2026-02-01

### Fixed

- One thing.

## [1.1.0]

- Nobody knows when.

## [1.0.0] - 2026-01-01
`

func TestNotes(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, version, want, refusal string }{
		{"what comes next", "unreleased", "### Added\n\n- What comes.\n", ""},
		{"a version", "1.2.0", "### Fixed\n\n- One thing.\n", ""},
		{"a tag", "v1.2.0", "### Fixed\n\n- One thing.\n", ""},
		{"no version", "", "", "which version"},
		{"unknown", "v3.0.0", "", "says nothing of v3.0.0"},
		{"the beginning of another", "1.2", "", "says nothing of 1.2"},
		{"without a date", "1.1.0", "", "has no date"},
		{"empty", "1.0.0", "", "says nothing of 1.0.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			notes, err := delivery.Notes(changelog, tt.version)
			if tt.refusal != "" {
				require.ErrorContains(t, err, tt.refusal)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, notes)
		})
	}
}

func TestNotes_OfThisRepository(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../CHANGELOG.md")
	require.NoError(t, err)
	for _, version := range []string{"unreleased", "0.1.0"} {
		notes, err := delivery.Notes(string(text), version)
		require.NoError(t, err)
		require.NotEmpty(t, notes)
	}
}
