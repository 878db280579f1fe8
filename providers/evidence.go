package providers

import (
	"strings"
	"time"

	"marketdata/market"
)

// maxEvidence is how many bytes of a quarantined row are kept.
const maxEvidence = 4096

// Quarantine keeps a provider's row that broke a rule, as sent as far as it is valid text of at most 4096 bytes. At is
// zero where the row's time could not be read.
func Quarantine(at time.Time, rule market.Rule, row string) market.Quarantined {
	if len(row) > maxEvidence {
		row = row[:maxEvidence]
	}
	row = strings.ToValidUTF8(row, "")
	// A NUL is no text to a database.
	return market.Quarantined{Time: at, Rule: rule, Value: strings.ReplaceAll(strings.Clone(row), "\x00", "")}
}
