package main

import (
	"maps"
	"slices"

	"marketdata/activities"
	"marketdata/alerts"
	"marketdata/config"
	"marketdata/market"
)

// alerting builds the activities around alerts.
func (a *app) alerting(cfg config.Config, p *platform) *activities.Alerting {
	sender := alerts.NewSender(alerts.SenderOptions{
		Webhooks: webhooksOf(cfg), Version: buildVersion().Version, Now: a.now,
		Where: alerts.Where{APIURL: cfg.API.URL, Workflows: p.workflows.QueryURL},
	})
	return &activities.Alerting{
		Alerts: p.database, Deliveries: p.database, Sender: sender, Workflows: p.workflows, Providers: p.providers.Instances(),
		StaleAfter: cfg.Alerts.StaleAfter, Now: a.now,
	}
}

// webhooksOf returns the enabled webhooks by name.
func webhooksOf(cfg config.Config) []alerts.Webhook {
	var webhooks []alerts.Webhook
	for _, name := range slices.Sorted(maps.Keys(cfg.Alerts.Webhooks)) {
		w := cfg.Alerts.Webhooks[name]
		if !w.Enabled {
			continue
		}
		kinds := market.AlertKinds()
		if len(w.Kinds) > 0 {
			kinds = kinds[:0]
			for _, kind := range w.Kinds {
				kinds = append(kinds, market.AlertKind(kind))
			}
		}
		webhooks = append(webhooks, alerts.Webhook{Name: name, URL: w.URL.Reveal(), Format: w.Format, Secret: w.Secret.Reveal(), Kinds: kinds})
	}
	return webhooks
}

// webhookNames returns the names of the enabled webhooks.
func webhookNames(cfg config.Config) []string {
	var names []string
	for _, w := range webhooksOf(cfg) {
		names = append(names, w.Name)
	}
	return names
}
