// Package devstack runs the parts of a local stack as children of one process, and leaves none behind.
//
// A [Stack] owns a data folder: a lock, so that two stacks never share it; dev.json ([State]), which says what runs
// where; logs/ with the output of every child. Its life:
//
//	devstack.Open       takes the lock and stops what an earlier, killed stack left running
//	devstack.PickPorts  refuses ports that are in use, before anything is started
//	Stack.Start         one child in its own process group; on Linux it dies with this process
//	Stack.WaitReady     until the child answers, or with its last log lines when it ends first
//	Stack.Failed        tells when a child ends that nobody stopped
//	Stack.Stop          asks children to end, one by one, and kills those that do not
//
// The package knows nothing of databases, Temporal or the API: commands hand it what to run and how to ask whether it
// is ready. A process is only ever signalled after its identity (start time and command) was compared with what
// dev.json recorded, so that a reused pid is never mistaken for a leftover.
package devstack
