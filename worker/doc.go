// Package worker is the door through which Temporal asks for work: it registers workflows and activities, each under
// its explicit name, and runs one worker per task queue in this process. Add processes to scale; request budgets are
// in the database, so more workers never mean more requests than a provider allows.
package worker
