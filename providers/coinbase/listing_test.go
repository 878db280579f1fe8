package coinbase_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
)

// days serves a daily candle of every day from listed until the clock, newest first, at most 300 of them.
func days(listed, until time.Time) exchange {
	return func(r *http.Request) string {
		number := func(name string) int64 {
			n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64)
			if err != nil {
				return -1
			}
			return n
		}
		start, end := max(number("start"), listed.Unix()), min(number("end"), until.Unix())
		if number("granularity") != 86400 || number("end")-number("start") >= 300*86400 || r.URL.Path != "/products/X/candles" {
			return `{"message":"Unsupported granularity"}`
		}
		var rows []string
		for at := end / 86400 * 86400; at >= start; at -= 86400 {
			rows = append(rows, "["+strconv.FormatInt(at, 10)+",1,2,1.5,1.5,10]")
		}
		return "[" + strings.Join(rows, ",") + "]"
	}
}

// search asks for a listing until it is known.
func search(ctx context.Context, t require.TestingT, finder providers.ListingFinder) (found providers.Listing, requests int) {
	for cursor := ""; ; {
		var err error
		found, cursor, err = finder.Listing(ctx, "X", cursor)
		require.NoError(t, err)
		requests++
		if cursor == "" {
			return found, requests
		}
		require.Less(t, requests, 8, "cursor %s", cursor)
	}
}

func TestListingFindsAnyDay(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2012, 1, 1+n, 0, 0, 0, 0, time.UTC) }
	rapid.Check(t, func(r *rapid.T) {
		today := rapid.IntRange(0, 38_000).Draw(r, "today") // into the year 2116
		listed := rapid.IntRange(0, today).Draw(r, "listed")
		clock := day(today).Add(time.Duration(rapid.Int64Range(0, int64(24*time.Hour)-1).Draw(r, "time of day")))
		got, requests := search(t.Context(), r, newClientAt(t, days(day(listed), clock), "", clock))
		require.Equal(r, providers.Listing{Symbol: "X", AssetClass: market.AssetCrypto, ListedAt: day(listed)}, got)
		require.LessOrEqual(r, requests, 8)
	})
}

func TestListingTakesFewRequests(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		listed time.Time
		want   time.Time
		most   int
	}{
		"as old as can be": {listed: time.Date(2011, 6, 1, 0, 0, 0, 0, time.UTC), want: time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC), most: 1},
		"years ago":        {listed: time.Date(2015, 7, 20, 0, 0, 0, 0, time.UTC), want: time.Date(2015, 7, 20, 0, 0, 0, 0, time.UTC), most: 5},
		"today":            {listed: now().Truncate(24 * time.Hour), want: now().Truncate(24 * time.Hour), most: 5},
		"never":            {listed: now().AddDate(1, 0, 0), most: 5},
	} {
		got, requests := search(t.Context(), t, newClient(t, days(tc.listed, now()), ""))
		require.Equal(t, tc.want, got.ListedAt, name)
		require.LessOrEqual(t, requests, tc.most, name)
	}
}

func TestListingBeforeTheExchange(t *testing.T) {
	t.Parallel()
	clock := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	got, requests := search(t.Context(), t, newClientAt(t, days(clock.AddDate(30, 0, 0), clock), "", clock))
	require.True(t, got.ListedAt.IsZero())
	require.Equal(t, 1, requests)
}

func TestListingAsks(t *testing.T) {
	t.Parallel()
	for cursor, want := range map[string]string{
		"":               "start=1325376000&end=1351209600",
		"1-15-0":         "start=1532736000&end=1558569600", // window 8: day 2400
		"4-5-1455840000": "start=1429056000&end=1454889600", // window 4: day 1200
	} {
		a := &providertest.Canned{Status: 200, Body: []byte("[]")}
		_, _, err := newClient(t, a, "").Listing(t.Context(), "X", cursor)
		require.NoError(t, err)
		start, end, _ := strings.Cut(want, "&")
		require.Equal(t, "/products/X/candles?"+end+"&granularity=86400&"+start, a.Request.URL.RequestURI())
	}
}

func TestListingRefusesCursors(t *testing.T) {
	t.Parallel()
	for _, cursor := range []string{
		"x", "0", "1-2", "2-1-0", "3-3-0", "-1-5-0", "0-129-0", "0-5-x", "0-5-1", "0-5--1", "00-5-0", "+0-5-0", "0-5-0-0", "0-5-9223372036854775807", "0-0-0", " 0-5-0",
	} {
		a := &providertest.Canned{Status: 200, Body: []byte("[]")}
		_, _, err := newClient(t, a, "").Listing(t.Context(), "X", cursor)
		require.Equal(t, market.KindInvalid, market.KindOf(err), cursor)
		require.Nil(t, a.Request, cursor)
	}
	_, _, err := newClient(t, nil, "").Listing(t.Context(), "", "")
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}

func TestListingNeedsTimes(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`[["soon"]]`, `[[1325376000,1,1,1,1,1],[]]`} {
		_, _, err := newClient(t, &providertest.Canned{Status: 200, Body: []byte(body)}, "").Listing(t.Context(), "X", "")
		require.Equal(t, market.KindMalformed, market.KindOf(err), body)
	}
}

// TestListingIgnoresWhatItDidNotAskFor gives it the latest candles, whatever it asks for.
func TestListingIgnoresWhatItDidNotAskFor(t *testing.T) {
	t.Parallel()
	got, requests := search(t.Context(), t, newClient(t, exchange(func(*http.Request) string { return `[[1709596800,1,1,1,1,1]]` }), ""))
	require.Equal(t, time.Unix(1709596800, 0).UTC(), got.ListedAt, "it is inside the last window")
	require.LessOrEqual(t, requests, 8)
}
