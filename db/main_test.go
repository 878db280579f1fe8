package db_test

import (
	"testing"

	"marketdata/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }
