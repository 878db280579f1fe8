package main

import (
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"marketdata/market"
	"marketdata/simulator"
)

// simulateOptions are the flags of simulate.
type simulateOptions struct {
	listen, adapter          string
	replay, symbol, interval string
	calendar                 string
	columns                  []string
	seed                     int64
}

func newSimulate(a *app) *cobra.Command {
	var o simulateOptions
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Serve made-up or recorded bars as a provider would",
		Long: `Serve a deterministic synthetic market, or the bars of a CSV file, in the wire formats of the providers, until SIGINT or
SIGTERM: all at once, each on its own paths. --adapter says what the command is for, and which calendar a file has when
none is named. POST /_sim/faults makes it misbehave, GET /_sim/stats counts requests, and
GET /_sim/bars?symbol=&interval=&start=&end= tells which bars there truly are.

Rows of a file of a market with sessions are of session dates (1d and longer), or of times on the exchange's wall clock
where they have no zone; a row of a closed day is refused.`,
		Example: `  marketdata simulate --listen 127.0.0.1:8090 --adapter binance
  marketdata simulate --replay btc.csv.gz --symbol BTCUSD --interval 1m --columns ts,open,high,low,close,volume
  marketdata simulate --adapter coinbase --replay eth.csv --symbol ETH-USD --interval 1h
  marketdata simulate --adapter yahoo --replay sp500.csv.gz --symbol ^GSPC --interval 1d --columns date,open,high,low,close,-,volume
  marketdata simulate --adapter yahoo --replay vod.csv --symbol VOD.L --interval 1d --calendar XLON`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig(c)
			if err != nil {
				return err
			}
			options, err := o.build(c)
			if err != nil {
				return err
			}
			options.Now, options.Logger = a.now, a.newLogger(cfg.Log)
			sim, err := simulator.New(options)
			if err != nil {
				return err
			}
			return serve(c.Context(), o.listen, sim, options.Logger, func(address net.Addr) {
				options.Logger.InfoContext(c.Context(), "simulator listens", "address", address.String(), "adapter", o.adapter)
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8090", "host:port to listen on")
	flags.StringVar(&o.adapter, "adapter", "binance", "whose wire format is wanted: "+strings.Join(simulator.Formats(), ", "))
	flags.StringVar(&o.replay, "replay", "", "CSV file, plain or gzip, to serve in place of a synthetic symbol")
	flags.StringVar(&o.symbol, "symbol", "", "symbol of the file's bars (with --replay)")
	flags.StringVar(&o.interval, "interval", "", "interval of the file's bars (with --replay)")
	flags.StringSliceVar(&o.columns, "columns", []string{"ts", "open", "high", "low", "close", "volume"}, "what the file's columns are, in order; - for one to leave out")
	flags.StringVar(&o.calendar, "calendar", "", "calendar of the file's bars (with --replay; default 24x7, with --adapter yahoo XNYS)")
	flags.Int64Var(&o.seed, "seed", 1, "equal seeds make equal markets")
	return c
}

// build checks the flags and reads the file.
func (o simulateOptions) build(c *cobra.Command) (simulator.Options, error) {
	options := simulator.Options{Seed: o.seed}
	if known := simulator.Formats(); !slices.Contains(known, o.adapter) {
		return options, usagef("--adapter wants one of %s, not %q", strings.Join(known, ", "), o.adapter)
	}
	if o.replay == "" {
		for _, name := range []string{"symbol", "interval", "columns", "calendar"} {
			if c.Flags().Changed(name) {
				return options, usagef("--%s goes with --replay", name)
			}
		}
		return options, nil
	}
	if err := requireFlags(c, "symbol", "interval"); err != nil {
		return options, err
	}
	interval, err := market.ParseInterval(o.interval)
	if err != nil {
		return options, usagef("--interval: %w", err)
	}
	if o.calendar == "" && o.adapter == "yahoo" {
		o.calendar = "XNYS"
	}
	replay, err := simulator.LoadReplay(simulator.ReplayOptions{
		Path: o.replay, Symbol: o.symbol, Interval: interval, Columns: o.columns, Calendar: o.calendar,
	})
	if err != nil {
		return options, err
	}
	options.Replays = []*simulator.Replay{replay}
	return options, nil
}
