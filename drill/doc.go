// Package drill rehearses the loss of a database: it loads a platform through the product, dumps its PostgreSQL while the
// platform runs, restores the dump into an empty server, runs the product over the copy beside an empty Temporal server, and
// proves that the copy is equal and works.
//
//   - drill.go: the steps in their order.
//   - rig.go: the servers; platform.go: an API and a worker over one of them.
//   - load.go: what is loaded; request.go: what is asked of the API.
//   - dump.go: the programs of PostgreSQL, called as docs/backup.md tells an operator to.
//   - prove*.go: what must hold of the copy; report.go: how it is told.
package drill
