// Package dbtest gives each test a private, migrated database on a real PostgreSQL server. The server is, once per test
// process, the first of: the one MARKETDATA_TEST_DATABASE_URL names; a container, where Docker answers and the image is
// present or can be pulled; a private server from local binaries. No test is skipped for lack of either.
package dbtest
