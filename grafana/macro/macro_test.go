package macro_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/grafana/macro"
	"marketdata/market"
)

func setup() macro.Context {
	return macro.Context{
		From: time.Date(2017, 4, 21, 5, 1, 17, 0, time.UTC), To: time.Date(2017, 4, 21, 5, 6, 17, 0, time.UTC), Interval: 30 * time.Second,
		Variables: map[string]macro.Value{
			"one": macro.One("it's"), "servers": macro.Several("test'1", "test2"), "single": macro.Several("a.b"), "none": macro.Several(),
			"labelled": {Chosen: []string{"1", "2"}, IsMulti: true, Label: "One + Two"}, "odd": macro.Several("foo()bar BAZ", "test2"),
		},
	}
}

func TestSQL(t *testing.T) {
	t.Parallel()
	tests := []struct{ query, want string }{
		{"$__time(ts)", `ts AS "time"`},
		{"$__timeEpoch(ts)", `extract(epoch from ts) AS "time"`},
		{"$__timeFilter(ts)", "ts BETWEEN '2017-04-21T05:01:17Z' AND '2017-04-21T05:06:17Z'"},
		{"ts >= $__timeFrom() AND ts < $__timeTo()", "ts >= '2017-04-21T05:01:17Z' AND ts < '2017-04-21T05:06:17Z'"},
		{"$__timeGroup(ts,'5m')", "floor(extract(epoch from ts)/300)*300"},
		{"$__timeGroup(ts, $__interval)", "floor(extract(epoch from ts)/30)*30"},
		{"$__timeGroupAlias(ts, '1h')", `floor(extract(epoch from ts)/3600)*3600 AS "time"`},
		{"$__unixEpochFilter(at)", "at >= 1492750877 AND at <= 1492751177"},
		{"$__unixEpochFrom() $__unixEpochTo()", "1492750877 1492751177"},
		{"$__unixEpochNanoFilter(at)", "at >= 1492750877000000000 AND at <= 1492751177000000000"},
		{"$__unixEpochNanoFrom() $__unixEpochNanoTo()", "1492750877000000000 1492751177000000000"},
		{"$__unixEpochGroup(at,'5m')", "floor(at/300)*300"},
		{"$__unixEpochGroupAlias(at,'5m')", `floor(at/300)*300 AS "time"`},
		{"$__interval ${__interval} $__interval_ms ${__interval_ms}", "30s 30s 30000 30000"},
		{"$__range $__range_s $__range_ms", "300s 300 300000"},
		{"${__from} ${__to:date:seconds} ${__from:date} ${__from:date:iso}", "1492750877000 1492751177 2017-04-21T05:01:17.000Z 2017-04-21T05:01:17.000Z"},
		{"$__timezone", "UTC"},
		{"= '$one'", "= 'it''s'"},
		{"IN ($servers)", "IN ('test''1','test2')"},
		{"IN ($single)", "IN ('a.b')"},
		{"[[one]] [[servers:csv]]", "it''s test'1,test2"},
		{"${servers:sqlstring} ${one:sqlstring}", "'test''1','test2' 'it''s'"},
		{"${servers:singlequote}", `'test\'1','test2'`},
		{"${servers:doublequote}", `"test'1","test2"`},
		{"${servers:csv} ${servers:raw} ${servers:pipe}", "test'1,test2 test'1,test2 test'1|test2"},
		{"${single:regex} ${servers:regex}", `a\.b (test'1|test2)`},
		{"${servers:json}", `["test'1","test2"]`},
		{"${odd:percentencode}", "foo%28%29bar%20BAZ%2Ctest2"},
		{"${odd:queryparam}", "var-odd=foo%28%29bar+BAZ&var-odd=test2"},
		{"${servers:text} ${labelled:text}", "test'1 + test2 One + Two"},
		{"${servers:glob} ${single:anything}", "{test'1,test2} a.b"},
		{"WHERE id = $1", "WHERE id = $1"},
	}
	for _, tt := range tests {
		got, err := setup().SQL(tt.query)
		require.NoError(t, err, tt.query)
		require.Equal(t, tt.want, got.Text, tt.query)
		require.Nil(t, got.Fill)
	}
}

func TestSQLNotesTheFill(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query string
		want  macro.Fill
	}{
		{"$__timeGroup(ts,'5m',0)", macro.Fill{Interval: 5 * time.Minute, Mode: macro.FillValue}},
		{"$__timeGroupAlias(ts,'1d', 1.5)", macro.Fill{Interval: 24 * time.Hour, Mode: macro.FillValue, Value: 1.5}},
		{"$__timeGroup(ts,'5m', NULL)", macro.Fill{Interval: 5 * time.Minute, Mode: macro.FillNull}},
		{"$__unixEpochGroup(at,'2w', previous)", macro.Fill{Interval: 14 * 24 * time.Hour, Mode: macro.FillPrevious}},
	}
	for _, tt := range tests {
		got, err := setup().SQL(tt.query)
		require.NoError(t, err, tt.query)
		require.Equal(t, &tt.want, got.Fill, tt.query)
	}
}

func TestSQLRefuses(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"$__timeFilter()", "$__timeGroup(ts)", "$__timeGroup(ts, 'often')", "$__timeGroup(ts, '0m')", "$__timeGroup(ts, '5m', many)", "$__bucket(ts)",
		"$unknown", "${unknown:csv}", "[[unknown]]", "$__timeFilter", "${__typo_ms}",
	} {
		_, err := setup().SQL(query)
		require.Equal(t, market.KindInvalid, market.KindOf(err), query)
	}
}

func TestPromQL(t *testing.T) {
	t.Parallel()
	got, err := setup().PromQL(`rate(x{a=~"$single", b=~"$servers", c="$one"}[$__rate_interval])`)
	require.NoError(t, err)
	require.Equal(t, `rate(x{a=~"a\\.b", b=~"(test'1|test2)", c="it's"}[1m])`, got)
	_, err = setup().PromQL("rate(x[$__rate_intervall])")
	require.Error(t, err)
}

// TestNothingChosen: Grafana writes no value for a variable with several where its query has no answer.
func TestNothingChosen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ARRAY[${none:sqlstring}]::text[]": "ARRAY[]::text[]", "IN ($none)": "IN ()", "'${none:csv}'": "''", "${none:glob}": "", "${none:json}": "[]",
	} {
		got, err := setup().SQL(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Text)
	}
	got, err := setup().PromQL(`x{a=~"$none"}`)
	require.NoError(t, err)
	require.Equal(t, `x{a=~"()"}`, got)
}

func TestText(t *testing.T) {
	t.Parallel()
	got, err := setup().Text("$single of ${servers} $whatever")
	require.NoError(t, err)
	require.Equal(t, "a.b of {test'1,test2} $whatever", got)
}

func TestIntervals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		points int
		r      time.Duration
		want   string
	}{
		{1000, time.Hour, "5s"},
		{1000, 6 * time.Hour, "20s"},
		{1000, 7 * 24 * time.Hour, "10m"},
		{1000, 90 * 24 * time.Hour, "2h"},
		{500, 4 * 365 * 24 * time.Hour, "1d"},
		{100, 10 * 365 * 24 * time.Hour, "30d"},
		{1, 10 * 365 * 24 * time.Hour, "1y"},
		{0, 20 * time.Millisecond, "50ms"},
		{3, 365 * 24 * time.Hour, "1y"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, macro.FormatInterval(macro.IntervalOf(tt.r, tt.points, 0)))
	}
	require.Equal(t, time.Minute, macro.IntervalOf(time.Hour, 1000, time.Minute))
	require.Equal(t, "1ms", macro.FormatInterval(0))
	for text, want := range map[string]time.Duration{"250ms": 250 * time.Millisecond, "1M": 30 * 24 * time.Hour, "1y": 365 * 24 * time.Hour, "15s": 15 * time.Second, "4h": 4 * time.Hour} {
		got, err := macro.ParseInterval(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := macro.ParseInterval("99999999999s")
	require.Error(t, err)
}
