package chaos

import (
	"fmt"

	"marketdata/db/audit"
	"marketdata/market/calendar"
)

// newComparison begins with what the books of the series say by themselves.
func newComparison(s audit.Series, quarantined []audit.Quarantined) (*comparison, error) {
	grid, err := calendar.GridOf(s.Interval, s.Calendar)
	if err != nil {
		return nil, err
	}
	c := &comparison{series: s, grid: grid, byKey: map[int64]audit.Quarantined{}}
	for _, q := range quarantined {
		switch {
		case q.SeriesID != s.ID:
		case q.Time.Year() <= 1:
			c.unread = append(c.unread, q)
		default:
			c.byKey[grid.Floor(q.Time).Unix()] = q
		}
	}
	if s.Withdrawn > 0 {
		c.losses = append(c.losses, fmt.Sprintf("%s: %d bars are flagged as withdrawn", c.name(), s.Withdrawn))
	}
	if s.Uncovered > 0 {
		c.duplicates = append(c.duplicates, fmt.Sprintf("%s: %d bars stand where nothing was answered", c.name(), s.Uncovered))
	}
	if s.Inserted != s.Bars {
		c.duplicates = append(c.duplicates, fmt.Sprintf("%s: loads inserted %d bars, %d are stored", c.name(), s.Inserted, s.Bars))
	}
	if s.Restated != s.Revisions {
		c.duplicates = append(c.duplicates, fmt.Sprintf("%s: loads restated %d bars, %d former ones are kept", c.name(), s.Restated, s.Revisions))
	}
	return c, nil
}
