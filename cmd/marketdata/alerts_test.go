package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/alerts"
	"marketdata/config"
	"marketdata/market"
)

func TestAlertsAreListed(t *testing.T) {
	t.Parallel()
	one := `{"id":"a1","status":"open","kind":"series_stale","title":"Stale: 2 series","raised_at":"2024-02-01T00:00:00Z",
		"deliveries":[{"webhook":"ops","event":"raised","status":"delivered","attempts":1}]}`
	environ, _ := fakeAPI(t, map[string]string{"GET /v1/alerts?limit=100&status=open": `{"data":[` + one + `],"next_cursor":null}`})
	o := execute(t, environ, "alerts", "list", "--status", "open")
	require.Zero(t, o.code, o.stderr)
	require.Equal(t, "ALERT  STATUS  RAISED                KIND          WHAT             TOLD\n"+
		"a1     open    2024-02-01T00:00:00Z  series_stale  Stale: 2 series  ops raised: delivered\n", o.stdout)
	require.JSONEq(t, `{"data":[`+one+`]}`, execute(t, environ, "alerts", "list", "--status", "open", "--output", "json").stdout)
}

func TestWebhookIsTested(t *testing.T) {
	t.Parallel()
	state := func(status, more string) string {
		return `{"id":"a1","deliveries":[{"webhook":"ops","event":"raised","status":"` + status + `"` + more + `}]}`
	}
	for name, c := range map[string]struct {
		timeout        time.Duration
		later          string // after the first answer
		code           int
		stdout, stderr string
	}{
		"told":          {time.Minute, state("delivered", `,"attempts":2`), 0, "webhook ops was told, at attempt 2\n", ""},
		"refused":       {time.Minute, state("failed", `,"attempts":1,"error":"webhook ops answered 410 Gone"`), 1, "", "webhook ops answered 410 Gone"},
		"nobody works":  {time.Second, state("pending", ""), 1, "", "no worker took it"},
		"still refused": {4 * time.Second, state("pending", `,"attempts":3,"error":"it is busy"`), 1, "", "not told within 4s: 3 attempts failed, the last: it is busy; it is tried on for a day"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ, asked := fakeAPI(t, map[string]string{"POST /v1/alerts/test": state("pending", ""), "GET /v1/alerts/a1": c.later})
			o := execute(t, environ, "alerts", "test", "ops", "--timeout", c.timeout.String())
			require.Equal(t, c.code, o.code, o.stderr)
			require.Equal(t, c.stdout, o.stdout)
			require.Contains(t, o.stderr, c.stderr)
			require.Equal(t, `POST /v1/alerts/test {"webhook":"ops"}`, (*asked)[0])
		})
	}
}

func TestWebhooksOfTheConfiguration(t *testing.T) {
	t.Parallel()
	var known []string
	for _, kind := range market.AlertKinds() {
		known = append(known, string(kind))
	}
	require.Equal(t, known, config.AlertKinds(), "the configuration knows every kind that is watched for")
	require.Equal(t, []string{alerts.FormatJSON, alerts.FormatSlack}, []string{config.FormatJSON, config.FormatSlack})
	cfg := config.Config{Alerts: config.Alerts{Webhooks: map[string]config.Webhook{
		"ops":   {URL: "http://x/y", Format: "slack", Secret: "s", Enabled: true, Kinds: []string{"series_stale"}},
		"all":   {URL: "http://x/z", Format: "json", Enabled: true},
		"quiet": {URL: "http://x/q", Format: "json"},
	}}}
	require.Equal(t, []alerts.Webhook{
		{Name: "all", URL: "http://x/z", Format: "json", Kinds: market.AlertKinds()},
		{Name: "ops", URL: "http://x/y", Format: "slack", Secret: "s", Kinds: []market.AlertKind{market.AlertSeriesStale}},
	}, webhooksOf(cfg))
	require.Equal(t, []string{"all", "ops"}, webhookNames(cfg))
}
