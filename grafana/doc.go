// Package grafana holds the dashboards and the provisioning of Grafana, and reads them, so that every query in them can be
// run and every panel drawn without a Grafana: macro expands the queries, picture draws the answers.
//
// The JSON files under dashboards/ are the source: change them there, or in a Grafana and export. docs/dashboards.md tells how.
// What they ask are the grafana_… views and functions of migrations 0012 and 0013, never the tables of bars themselves.
//
//	dashboards, err := grafana.Dashboards()
//	for _, q := range dashboards[0].Queries() { … q.Text … }
package grafana
