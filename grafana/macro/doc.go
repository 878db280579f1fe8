// Package macro expands the queries of dashboards as Grafana does before it sends them: variables with their formats, the
// intervals and ranges, and the macros of its PostgreSQL data source. It is written from Grafana's documentation, so that
// the SQL of every panel can be run, and its PromQL parsed, without a Grafana.
//
//	e, err := macro.Context{From: from, To: to, Interval: time.Hour}.SQL(`SELECT $__time(ts) FROM bar WHERE $__timeFilter(ts)`)
//	e.Text // SELECT ts AS "time" FROM bar WHERE ts BETWEEN '2024-01-01T00:00:00Z' AND '2024-01-02T00:00:00Z'
//
// It is stricter in one way: a variable or macro that is not known is an error here, where Grafana sends it as it stands.
//
// https://grafana.com/docs/grafana/latest/datasources/postgres/ and
// https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/ are what it follows.
package macro
