package calendar_test

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// histories is the folder of real price histories; it is not part of the repository. The tables of holiday_test.go cover
// the same ground.
const histories = "../../../shared/datasets"

// column returns the first column of a CSV file with a header, which may be compressed.
func column(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(histories, file))
	if err != nil {
		t.Skipf("the history is not here (%s)", file) //nolint:forbidigo // real histories are not part of the repository
	}
	defer func() { require.NoError(t, f.Close()) }()
	var text io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		text, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	rows, err := csv.NewReader(text).ReadAll()
	require.NoError(t, err)
	values := make([]string, 0, len(rows))
	for _, row := range rows[1:] {
		values = append(values, row[0])
	}
	return values
}

// TestHistories compares sessions with the dates of real daily bars, day for day and in both directions.
func TestHistories(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		file, layout string
		sessions     int
	}{
		{"stock_aapl_daily_unadjusted_lean.csv", time.DateOnly, 5849},
		{"stock_bac_daily_unadjusted_lean.csv", time.DateOnly, 5849},
		{"stock_nvda_1999_2014_yahoo_csv.csv", time.DateOnly, 4012},
		{"stock_orcl_1995_2014_yahoo_csv.csv.gz", time.DateOnly, 5036},
		{"index_nasdaq_1999_2018_daily.csv.gz", "1/2/2006", 5031},
		{"index_sp500_1999_2018_daily.csv.gz", "1/2/2006", 5031},
	} {
		t.Run(tc.file, func(t *testing.T) {
			t.Parallel()
			isBar := make(map[time.Time]bool)
			var first, last time.Time
			for _, text := range column(t, tc.file) {
				day, err := time.Parse(tc.layout, text)
				require.NoError(t, err)
				if isBar[day] = true; first.IsZero() {
					first = day
				}
				last = day
			}
			require.Len(t, isBar, tc.sessions)
			for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
				_, isOpen := byName(t, "XNYS").Session(day)
				require.Equal(t, isBar[day], isOpen, day.Format(time.DateOnly))
			}
		})
	}
}

// TestEarlyClosesInHistory compares early closes with the days of which an hourly history has no last hour.
func TestEarlyClosesInHistory(t *testing.T) {
	t.Parallel()
	lastHour := make(map[string]string)
	for _, text := range column(t, "stock_aapl_hourly_unadjusted_lean.csv.gz") {
		day, hour, _ := strings.Cut(text, " ")
		lastHour[day] = max(lastHour[day], hour)
	}
	// Short days on which the history has a last hour all the same, of trades after the close: at most a hundredth of the
	// day's volume.
	late := map[string]bool{
		"1999-11-26": true, "2000-11-24": true, "2002-11-29": true, "2005-11-25": true,
		"2007-07-03": true, "2007-12-24": true, "2008-07-03": true, "2008-12-24": true,
	}
	for day, hour := range lastHour {
		s, isOpen := byName(t, "XNYS").Session(date(day))
		require.True(t, isOpen, day)
		require.Equal(t, s.IsEarlyClose && !late[day], hour < "15:00", "%s ended with the bar of %s", day, hour)
		if late[day] {
			require.True(t, s.IsEarlyClose, "%s is no exception", day)
			delete(late, day)
		}
	}
	require.Empty(t, late, "exceptions that do not occur")
}
