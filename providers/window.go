package providers

import (
	"time"

	"marketdata/market"
)

// Windows cuts a range into the longest ones that one request of the interval may ask for, ascending; a provider that
// sets no bound gets the range as it is.
func Windows(c market.Capabilities, interval market.Interval, r market.Range) []market.Range {
	length := time.Duration(c.WindowSeconds[interval]) * time.Second
	if length == 0 {
		return []market.Range{r}
	}
	return r.Split(func(t time.Time) time.Time { return t.Add(length) })
}
