package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/api"
)

func TestVersionOfStamp(t *testing.T) {
	t.Parallel()
	v, ok := stampedVersion("1.2.3 4f2c1e7 2024-01-02T00:00:00Z")
	require.True(t, ok)
	require.Equal(t, api.VersionInfo{Version: "1.2.3", Commit: "4f2c1e7", BuiltAt: "2024-01-02T00:00:00Z", Go: runtime.Version()}, v)
	for _, stamp := range []string{"", "1.2.3", "1.2.3 4f2c1e7", "1.2.3 4f2c1e7 2024-01-02 00:00"} {
		_, ok := stampedVersion(stamp)
		require.False(t, ok, stamp)
	}
}
