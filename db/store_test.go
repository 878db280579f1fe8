package db_test

import (
	"marketdata/activities"
	"marketdata/api"
	"marketdata/db"
)

// What the rooms above ask of the storage is what it offers.
var (
	_ api.Store              = (*db.DB)(nil)
	_ activities.JobStore    = (*db.DB)(nil)
	_ activities.ChunkStore  = (*db.DB)(nil)
	_ activities.Housekeeper = (*db.DB)(nil)
)
