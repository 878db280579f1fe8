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
	for name, o := range map[string]options{
		"product":    {binary: absent, next: here, temporal: here},
		"next build": {binary: here, next: absent, temporal: here},
		"temporal":   {binary: here, next: here, temporal: absent},
	} {
		isGood, err := o.run(t.Context())
		require.False(t, isGood, name)
		require.ErrorIs(t, err, os.ErrNotExist, name)
		require.ErrorContains(t, err, absent+": no such file or directory: run it as make chaos", name)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	wanted := filepath.Join(t.TempDir(), "deep", "data")
	got, err := options{dir: wanted}.folder()
	require.NoError(t, err)
	require.Equal(t, wanted, got)
	require.DirExists(t, wanted)

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = options{dir: file}.folder()
	require.Error(t, err, "a file is in the way")
}
