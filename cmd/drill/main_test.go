package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_WithoutPrograms(t *testing.T) {
	t.Parallel()
	here, err := os.Executable()
	require.NoError(t, err)
	absent := filepath.Join(t.TempDir(), "absent")
	for name, programs := range map[string][2]string{"product": {absent, here}, "temporal": {here, absent}} {
		isGood, err := run(t.Context(), programs[0], programs[1], false)
		require.False(t, isGood, name)
		require.ErrorIs(t, err, os.ErrNotExist, name)
		require.ErrorContains(t, err, absent+": no such file or directory: run it as make backup-drill", name)
	}
}
