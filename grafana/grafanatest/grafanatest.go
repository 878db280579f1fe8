package grafanatest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ExecFunc runs one statement. It is called by several goroutines at once.
type ExecFunc func(ctx context.Context, statement string, args ...any) error

// Size says how much history of minutes the market has; everything else is the same in each size.
type Size int

const (
	// Small has two months of minutes, some 440,000 bars: for pictures, and under the race detector.
	Small Size = iota
	// Full has four years of minutes, more than five million bars.
	Full
)

// End is where the market's history ends: "now" for whoever looks at it.
func End() time.Time { return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }

// series is one series to fill.
type series struct {
	instrument, provider, interval string
	first, firstSmall              string // the first bar of Full and of Small
	years                          int    // of Full: so often the year from first on is repeated before it
	last                           string // no bar at or after
	seed                           int64
	cents                          int64   // first price, in hundredths
	swing                          float64 // of a step, as a share of the price
	drift                          float64
	volume                         int64 // mean of a bar; 0: none is sent
}

func market() []series {
	const end = "2025-01-01"
	return []series{
		{"BTCUSDT", "sim_binance", "1m", "2024-01-01", "2024-11-01", 3, end, 1, 6_900_000, 0.0016, 0.0000016, 900},
		{"BTCUSDT", "sim_binance", "1h", "2021-01-01", "2021-01-01", 0, end, 1, 2_900_000, 0.012, 0.000046, 54_000},
		{"BTCUSDT", "sim_binance", "1d", "2021-01-01", "2021-01-01", 0, end, 2, 2_900_000, 0.06, 0.00005, 1_300_000},
		{"BTCUSDT", "sim_coinbase", "1m", "2024-01-01", "2024-11-01", 2, end, 1, 6_903_000, 0.0016, 0.0000016, 300},
		{"BTCUSDT", "sim_coinbase", "1d", "2021-01-01", "2021-01-01", 0, end, 2, 2_900_700, 0.06, 0.00005, 400_000},
		{"ETHUSDT", "sim_binance", "1m", "2024-01-01", "2024-11-01", 1, end, 4, 250_000, 0.0018, 0.0000003, 5_000},
		{"ETHUSDT", "sim_binance", "1d", "2021-01-01", "2021-01-01", 0, end, 5, 73_000, 0.07, -0.0005, 7_000_000},
		{"SOLUSDT", "sim_binance", "1d", "2021-01-01", "2021-01-01", 0, end, 6, 15_000, 0.09, 0.0007, 9_000_000},
		{"LTCUSDT", "sim_binance", "1m", "2024-01-01", "2024-11-01", 0, end, 7, 7_200, 0.0014, 0, 2_000},
		{"AAPL", "sim_yahoo", "1h", "2023-01-02", "2023-01-02", 0, end, 8, 13_000, 0.006, 0.000124, 5_000_000},
		{"AAPL", "sim_yahoo", "1d", "2015-01-02", "2015-01-02", 0, end, 9, 10_900, 0.024, 0.00048, 61_000_000},
		{"MSFT", "sim_yahoo", "1d", "2015-01-02", "2015-01-02", 0, end, 10, 4_600, 0.022, 0.0007, 24_000_000},
		{"SPX", "sim_yahoo", "1d", "2015-01-02", "2015-01-02", 0, end, 11, 206_000, 0.014, 0.00032, 0},
	}
}

// Build fills the database. It takes as many connections as exec gives it, at most three.
func Build(ctx context.Context, exec ExecFunc, size Size) error {
	if err := exec(ctx, catalogue); err != nil {
		return err
	}
	all := market()
	errs := make([]error, len(all))
	slots := make(chan struct{}, 3)
	var wait sync.WaitGroup
	for n, s := range all {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[n] = s.fill(ctx, exec, size)
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, statement := range append(history(), "ANALYZE") {
		if err := exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// fill computes the bars of the series. What is far back repeats the year after it, which is quicker than to compute it.
func (s series) fill(ctx context.Context, exec ExecFunc, size Size) error {
	first := s.first
	if size == Small {
		first = s.firstSmall
	}
	if err := exec(ctx, fill, s.instrument, s.provider, s.interval, first, s.last, s.seed, s.cents, s.swing, s.drift, s.volume); err != nil {
		return fmt.Errorf("fill %s of %s: %w", s.instrument, s.provider, err)
	}
	for year := 1; size == Full && year <= s.years; year++ {
		if err := exec(ctx, repeat, s.instrument, s.provider, s.interval, first, year); err != nil {
			return fmt.Errorf("repeat %s of %s: %w", s.instrument, s.provider, err)
		}
	}
	return nil
}
