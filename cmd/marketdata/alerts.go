package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// alertView is an alert as the API shows it, as far as tables need it.
type alertView struct {
	ID         string         `json:"id"`
	Status     string         `json:"status"`
	Kind       string         `json:"kind"`
	Title      string         `json:"title"`
	RaisedAt   string         `json:"raised_at"`
	Deliveries []deliveryView `json:"deliveries"`
}

type deliveryView struct {
	Webhook  string `json:"webhook"`
	Event    string `json:"event"`
	Status   string `json:"status"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error"`
}

func newAlerts(a *app) *cobra.Command {
	group := &cobra.Command{
		Use:     "alerts",
		Short:   "See what is the matter, and test webhooks",
		Example: "  marketdata alerts list --status open\n  marketdata alerts test ops",
	}
	group.AddCommand(newAlertsList(a), newAlertsTest(a))
	return asGroup(group)
}

func newAlertsList(a *app) *cobra.Command {
	var status, kind string
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List alerts, newest first",
		Long: `List alerts, newest first, with what webhooks were told of them. Kinds are backfill_failed, series_stale,
provider_paused, provider_refused and test. --output json has the whole messages.`,
		Example: "  marketdata alerts list --status open\n  marketdata alerts list --kind series_stale --output json",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			query := url.Values{}
			for name, value := range map[string]string{"status": status, "kind": kind} {
				if value != "" {
					query.Set(name, value)
				}
			}
			return printList(a, c, "/v1/alerts", query, limit, []string{"ALERT", "STATUS", "RAISED", "KIND", "WHAT", "TOLD"}, alertRow)
		},
	}
	c.Flags().StringVar(&status, "status", "", "only those that are open, or resolved")
	c.Flags().StringVar(&kind, "kind", "", "only those of this kind")
	addLimit(c, &limit)
	addAPIURL(c)
	addOutput(c)
	return c
}

func alertRow(v alertView) []string {
	told := make([]string, len(v.Deliveries))
	for i, d := range v.Deliveries {
		told[i] = d.Webhook + " " + d.Event + ": " + d.Status
	}
	return []string{v.ID, v.Status, v.RaisedAt, v.Kind, v.Title, strings.Join(told, ", ")}
}

func newAlertsTest(a *app) *cobra.Command {
	var within time.Duration
	c := &cobra.Command{
		Use:   "test WEBHOOK",
		Short: "Send a test alert to a webhook and wait for how it goes",
		Long: `Send a test alert to a webhook of the configuration, the way real alerts go: through Temporal and a worker. The exit
code is 0 once the receiver took it.`,
		Example: "  marketdata alerts test ops",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.testWebhook(c, args[0], within)
		},
	}
	c.Flags().DurationVar(&within, "timeout", 30*time.Second, "how long to wait; the alert is tried for a day all the same")
	addAPIURL(c)
	addOutput(c)
	return c
}

// testPolls is how often the state of a test alert is asked for.
const testPolls = 200 * time.Millisecond

func (a *app) testWebhook(c *cobra.Command, webhook string, within time.Duration) error {
	api, asJSON, err := a.openForOutput(c)
	if err != nil {
		return err
	}
	var v alertView
	answer, err := api.send(c.Context(), http.MethodPost, "/v1/alerts/test", map[string]string{"webhook": webhook}, &v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), within)
	defer cancel()
	tick := time.NewTicker(testPolls)
	defer tick.Stop()
	for v.delivery().Status == "pending" {
		select {
		case <-ctx.Done():
			return notTold(v.delivery(), within)
		case <-tick.C:
		}
		var now alertView
		if answer, err = api.get(c.Context(), "/v1/alerts/"+v.ID, nil, &now); err != nil {
			return err
		}
		v = now
	}
	if asJSON {
		if err := writeJSON(a.stdout, json.RawMessage(answer)); err != nil {
			return err
		}
	}
	if d := v.delivery(); d.Status != "delivered" {
		return errors.New(d.Error)
	}
	if !asJSON {
		_, err = fmt.Fprintf(a.stdout, "webhook %s was told, at attempt %d\n", webhook, v.delivery().Attempts)
	}
	return err
}

// delivery is the one of a test alert.
func (v alertView) delivery() deliveryView {
	if len(v.Deliveries) == 0 {
		return deliveryView{Status: "failed", Error: "the API answered without a delivery"}
	}
	return v.Deliveries[0]
}

func notTold(d deliveryView, within time.Duration) error {
	why := "no worker took it, is one running?"
	if d.Attempts > 0 {
		why = strconv.Itoa(d.Attempts) + " attempts failed, the last: " + d.Error
	}
	return fmt.Errorf("not told within %s: %s; it is tried on for a day", within, why)
}
