package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/config"
	"marketdata/market"
)

func TestSchedulesFromFileAndEnvironment(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Sources{
		Adapters: adapters(),
		File: writeFile(t, "schedules:\n  nightly-btc:\n    instruments: [BTCUSDT.BINANCE, ethusdt.binance]\n    interval: 1d\n"+
			"    cron: 0 3 * * *\n    range: 30d\n    policy: all\n"),
		Environ: []string{
			"MD_SCHEDULES__NIGHTLY_BTC__CONCURRENCY=8", "MD_SCHEDULES__HOURLY__INSTRUMENTS=SPY.ARCX, QQQ.XNAS", "MD_SCHEDULES__HOURLY__INTERVAL=1h",
			"MD_SCHEDULES__HOURLY__EVERY=6h", "MD_SCHEDULES__HOURLY__RANGE=2w", "MD_SCHEDULES__HOURLY__PROVIDER=yahoo", "MD_SCHEDULES__HOURLY__MAX_FAILED=3",
		},
	})
	require.NoError(t, err)
	schedules := c.BackfillSchedules()
	require.Len(t, schedules, 2)
	hourly, nightly := schedules[0], schedules[1]
	require.Equal(t, "hourly", hourly.ID)
	require.Equal(t, "QQQ.XNAS", hourly.Instruments[1].String())
	require.Equal(t, "6h", hourly.Every)
	require.Equal(t, "2w", hourly.Range.String())
	require.Equal(t, "yahoo", hourly.Provider)
	require.Equal(t, 3, hourly.MaxFailed)
	require.Equal(t, "nightly-btc", nightly.ID)
	require.Equal(t, "ETHUSDT.BINANCE", nightly.Instruments[1].String())
	require.Equal(t, "0 3 * * *", nightly.Cron)
	require.Equal(t, market.PolicyAll, nightly.Policy)
	require.Equal(t, 8, nightly.Concurrency)
	require.Equal(t, market.SourceConfig, nightly.Source)
	require.Equal(t, "environment variable MD_SCHEDULES__NIGHTLY_BTC__CONCURRENCY", c.Origin("schedules.nightly-btc.concurrency"))

	again, err := config.Load(config.Sources{Adapters: adapters(), File: writeFile(t, c.Example())})
	require.NoError(t, err)
	require.Equal(t, c.String(), again.String())
	require.Contains(t, c.String(), "schedules.hourly.instruments=SPY.ARCX,QQQ.XNAS\n")
}

func TestEveryProblemOfSchedulesIsNamed(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Sources{Adapters: adapters(), File: writeFile(t, `schedules:
  Nightly_BTC: {instruments: [A.B], interval: 1d, every: 1d, range: 1d}
  sync-mine: {instruments: [A.B], interval: 1d, every: 1d, range: 1d}
  empty: {max_failed: 0}
  wrong:
    instruments: ["A.B", "no id", a.b]
    interval: 2d
    cron: "61 * * * *"
    range: 30
    policy: some
    provider: nobody
    concurrency: 65
    unknown: 1
  both: {instruments: A.B, interval: 1d, every: soon, cron: "0 3 * * *", range: 5x}
  numbers: {instruments: [1], interval: 1d, every: 1d, range: 1d}
`)})
	var wrong *config.Error
	require.ErrorAs(t, err, &wrong)
	problems := map[string]string{}
	for _, p := range wrong.Problems {
		problems[p.Key] = p.Message
	}
	for key, says := range map[string]string{
		"schedules.Nightly_BTC": "lower case", "schedules.sync-mine": "choose another", "schedules.empty.instruments": "instruments",
		"schedules.empty.interval": "interval", "schedules.empty.every": "cron", "schedules.empty.range": "30d",
		"schedules.wrong.instruments[1]": "", "schedules.wrong.instruments[2]": "more than once", "schedules.wrong.interval": "1mo",
		"schedules.wrong.cron": "out of range", "schedules.wrong.range": "quotes", "schedules.wrong.policy": "missing or all",
		"schedules.wrong.provider": "binance, yahoo", "schedules.wrong.concurrency": "1 to 64", "schedules.wrong.unknown": "unknown key",
		"schedules.both.cron": "not both", "schedules.both.range": "unit", "schedules.numbers.instruments": "quotes",
	} {
		require.Contains(t, problems, key)
		require.Contains(t, problems[key], says, key)
	}
}
