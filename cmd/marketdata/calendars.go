package main

import (
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

// calendarView is a trading calendar as the API shows it.
type calendarView struct {
	Name       string `json:"name"`
	Timezone   string `json:"timezone"`
	Open       string `json:"open"`
	Close      string `json:"close"`
	BreakStart string `json:"break_start"`
	BreakEnd   string `json:"break_end"`
	KnownSince string `json:"known_since"`
}

// sessionView is one trading day as the API shows it.
type sessionView struct {
	Date       string `json:"date"`
	Open       string `json:"open"`
	Close      string `json:"close"`
	EarlyClose bool   `json:"early_close"`
}

func newCalendars(a *app) *cobra.Command {
	group := &cobra.Command{
		Use:     "calendars",
		Short:   "See when exchanges are open",
		Example: "  marketdata calendars list\n  marketdata calendars sessions XNYS --start 2024-07-01 --end 2024-07-08",
	}
	group.AddCommand(newCalendarsList(a), newCalendarsSessions(a))
	return asGroup(group)
}

func newCalendarsList(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the calendars that instruments can name",
		Example: "  marketdata calendars list --output json",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return printPage(a, c, "/v1/calendars", nil,
				[]string{"CALENDAR", "TIME ZONE", "OPEN", "CLOSE", "BREAK", "KNOWN SINCE"}, calendarRow)
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func calendarRow(v calendarView) []string {
	pause := ""
	if v.BreakStart != "" {
		pause = v.BreakStart + " to " + v.BreakEnd
	}
	return []string{v.Name, v.Timezone, v.Open, v.Close, pause, v.KnownSince}
}

func newCalendarsSessions(a *app) *cobra.Command {
	var start, end string
	c := &cobra.Command{
		Use:     "sessions CALENDAR",
		Short:   "List the trading days of a calendar",
		Example: "  marketdata calendars sessions XTKS --start 2024-01-01 --end 2024-02-01",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := requireFlags(c, "start"); err != nil {
				return err
			}
			query := url.Values{"start": {start}}
			if end != "" {
				query.Set("end", end)
			}
			return printPage(a, c, "/v1/calendars/"+url.PathEscape(args[0])+"/sessions", query,
				[]string{"DATE", "OPEN", "CLOSE", "EARLY CLOSE"}, sessionRow)
		},
	}
	c.Flags().StringVar(&start, "start", "", "first date (required)")
	c.Flags().StringVar(&end, "end", "", "end of the range, not in it (default: a year after start)")
	addAPIURL(c)
	addOutput(c)
	return c
}

func sessionRow(v sessionView) []string {
	return []string{v.Date, v.Open, v.Close, strconv.FormatBool(v.EarlyClose)}
}
