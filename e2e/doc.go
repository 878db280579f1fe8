// Package e2e holds the end-to-end tests: the whole way of a bar over real parts. A simulator speaks the provider's wire
// format, a Temporal dev server orders the work, PostgreSQL keeps it, and every assertion is made through the REST API,
// as a user would. It has no code but tests.
package e2e
