// Package db is the storage room: models, queries, bulk load and migrations over PostgreSQL. It is the only place with
// SQL. bun serves ordinary queries; the two hot paths, bulk load and reading bars, use pgx over the same pool.
//
// A short tour:
//
//   - instrument.go, series.go: the catalogue; bar.go reads bars, their digits as PostgreSQL's own text.
//   - backfill*.go, job.go: requests to fill a range, planned as wanted minus covered; status is derived from chunks.
//   - chunk.go, raw_page.go, normal_page.go, load*.go: the way of a chunk, fenced by attempt tokens; one transaction
//     writes bars, former values, the load and the coverage.
//   - budget.go: one request budget per provider for all workers. partition.go: yearly and monthly partitions.
//   - migrate.go: embedded migrations, applied under a lock; migrations/ is the schema.
//
// It does not know providers. Times come out in UTC; errors come out with a kind and without SQL, hosts or secrets.
package db
