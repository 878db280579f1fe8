package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/config"
)

const hookURL = "https://hooks.example/services/T0/B0/hush"

func TestWebhooks(t *testing.T) {
	t.Parallel()
	kept := writeFile(t, hookURL+"\n")
	file := writeFile(t, "alerts:\n  stale_after: 90s\n  webhooks:\n    ops: {format: slack, kinds: [series_stale, provider_paused]}\n    off: {enabled: false}\n")
	c, err := config.Load(config.Sources{Adapters: adapters(), File: file, Environ: []string{
		"MD_ALERTS__WEBHOOKS__OPS__URL_FILE=" + kept, "MD_ALERTS__WEBHOOKS__OPS__SECRET=hush",
		"MD_ALERTS__WEBHOOKS__MORE__URL=" + hookURL, "MD_ALERTS__WEBHOOKS__MORE__KINDS=backfill_failed, provider_refused",
	}})
	require.NoError(t, err)
	require.Equal(t, config.Alerts{StaleAfter: 90 * time.Second, Webhooks: map[string]config.Webhook{
		"ops":  {URL: hookURL, Format: "slack", Secret: "hush", Kinds: []string{"series_stale", "provider_paused"}, Enabled: true},
		"more": {URL: hookURL, Format: "json", Kinds: []string{"backfill_failed", "provider_refused"}, Enabled: true},
		"off":  {Format: "json"},
	}}, config.Alerts{StaleAfter: c.Alerts.StaleAfter, Webhooks: revealed(c.Alerts.Webhooks)})
	require.Equal(t, "environment variable MD_ALERTS__WEBHOOKS__OPS__URL_FILE", c.Origin("alerts.webhooks.ops.url"))
	for _, text := range []string{c.String(), c.Example(), fmt.Sprint(c.Settings()), fmt.Sprintf("%v %#v", c.Alerts, c.Alerts)} {
		require.NotContains(t, text, "hush")
	}
	require.Contains(t, c.String(), "alerts.webhooks.ops.url=***\n")
	require.Contains(t, c.String(), "alerts.webhooks.ops.kinds=series_stale,provider_paused\n")
}

// revealed are the webhooks without what a reading leaves empty but not nil.
func revealed(webhooks map[string]config.Webhook) map[string]config.Webhook {
	for name, w := range webhooks {
		if len(w.Kinds) == 0 {
			w.Kinds = nil
		}
		webhooks[name] = w
	}
	return webhooks
}

func TestWebhookProblemsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "alerts:\n  stale_after: -1m\n  webhooks:\n    ops: {url: \"ftp://hush\", format: teams, kinds: [stale], urll: x}\n    Bad: {url: \"http://x\"}\n    none: {format: json}\n    typed: {url: \"http://x\", kinds: [1]}\n")
	_, err := config.Load(config.Sources{Adapters: adapters(), File: file})
	var invalid *config.Error
	require.ErrorAs(t, err, &invalid)
	var keys []string
	for _, p := range invalid.Problems {
		keys = append(keys, p.Key)
	}
	require.Equal(t, []string{
		"alerts.stale_after", "alerts.webhooks.Bad", "alerts.webhooks.none.url", "alerts.webhooks.ops.format", "alerts.webhooks.ops.kinds",
		"alerts.webhooks.ops.url", "alerts.webhooks.ops.urll", "alerts.webhooks.typed.kinds",
	}, keys)
	require.NotContains(t, err.Error(), "hush")
}
