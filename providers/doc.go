// Package providers is the room of external data: what a source of bars must do ([Provider]), how one is reached, and
// the rules that hold for the rows of all of them. It knows market only: no database, no workflows, no configuration.
// Each source is an adapter in a folder of its own; its wire format appears nowhere else.
//
// A short tour:
//
//   - provider.go: the contract. Fetch makes one HTTP request and returns its page; Normalize turns stored bytes into
//     bars, without I/O.
//   - registry.go: an [Adapter] is a kind of source, an [Instance] a configured one; a [Registry] is built of both,
//     explicitly. Package providers/all lists the adapters of this build.
//   - client.go, redact.go: the [Client] of all adapters: deadlines, size limit, connection pool, no key in an
//     error or a URL; failures classified into kinds.
//   - budget.go, log.go, record.go: decorators. Whatever surrounds a request lives here and not in adapters.
//   - clean.go: the closed-bar rule, clipping, order, duplicates, alignment. No provider is trusted with them.
//
// Package providertest holds an adapter to the contract.
package providers
