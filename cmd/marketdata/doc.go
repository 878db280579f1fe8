// Command marketdata is the whole platform in one binary: the API, the worker, migrations, the simulator, a local
// stack of all of them (dev), and commands for operators, which talk to the API over HTTP.
//
// The exit code is 0 only when what was asked for happened, 1 when it did not, and 2 when the command line itself is
// wrong. Results go to standard output, everything else to standard error.
package main
