// Package pgserver runs a private PostgreSQL server from local binaries, for the one-command stack and for tests. The
// server listens on the loopback address only, takes passwords only, and ends with the process that started it.
//
// PostgreSQL refuses to run as root: started by root it runs as user postgres, else nobody. Where that user cannot reach
// the wanted folder, the data go to /var/lib/marketdata and a pointer file in the folder says where. Permissions of
// folders that existed before are never changed.
package pgserver
