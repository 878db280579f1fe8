package db

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

func TestLineReader(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[a-z\t]{0,30}`)).Draw(t, "lines")
		prefix := rapid.StringMatching(`[0-9]{0,5}`).Draw(t, "prefix")
		suffix := rapid.StringMatching(`[0-9]{0,5}`).Draw(t, "suffix")
		var text, want strings.Builder
		for _, line := range lines {
			text.WriteString(line + "\n")
			want.WriteString(prefix + line + suffix + "\n")
		}
		r := &lineReader{text: []byte(text.String()), prefix: prefix, suffix: suffix}
		buffer := make([]byte, rapid.IntRange(1, 64).Draw(t, "buffer"))
		var got strings.Builder
		for {
			n, err := r.Read(buffer)
			got.Write(buffer[:n])
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || n == 0 {
				t.Fatalf("Read returned %d, %v", n, err)
			}
		}
		if got.String() != want.String() {
			t.Fatalf("got %q, want %q", got.String(), want.String())
		}
	})
}

func TestLineReaderConformsToReader(t *testing.T) {
	t.Parallel()
	r := &lineReader{text: []byte("a\nbb\n"), prefix: "<", suffix: ">"}
	require.NoError(t, iotest.TestReader(r, []byte("<a>\n<bb>\n")))
}

func TestAppendCopyText(t *testing.T) {
	t.Parallel()
	trades := int64(7)
	number := func(text string) market.Decimal {
		d, err := market.ParseDecimal(text)
		require.NoError(t, err)
		return d
	}
	ts := time.Date(2024, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	bars := []market.Bar{
		{Time: ts, Open: number("-1.5"), High: number("2"), Low: number("-37.63"), Close: number("1e-30"), Volume: number("0"), Trades: &trades},
		{Time: ts.Add(time.Minute), Open: number("1"), High: number("1"), Low: number("1"), Close: number("1"), VWAP: number("1.1"), Turnover: number("3")},
	}
	require.Equal(t, "2024-01-02 02:04:05Z\t-1.5\t2\t-37.63\t0.000000000000000000000000000001\t0\t\\N\t\\N\t7\n"+
		"2024-01-02 02:05:05Z\t1\t1\t1\t1\t\\N\t1.1\t3\t\\N\n", string(appendCopyText(nil, bars)))
}

func TestCodecKeepsBytes(t *testing.T) {
	t.Parallel()
	c, err := newCodec()
	require.NoError(t, err)
	for _, body := range []string{"", "x", strings.Repeat(`{"a":1}`, 100_000)} {
		t.Run(strconv.Itoa(len(body)), func(t *testing.T) {
			t.Parallel()
			frame := c.compress([]byte(body))
			require.NotEmpty(t, frame)
			got, err := c.expand(frame)
			require.NoError(t, err)
			require.NotNil(t, got)
			require.Equal(t, body, string(got))
		})
	}
	_, err = c.expand([]byte("no frame"))
	require.Error(t, err)
}
