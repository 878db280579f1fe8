package delivery_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/delivery"
)

var update = flag.Bool("update", false, "rewrite docs/licences.md")

const (
	mit = `Copyright (c) 2020 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software, to deal in the Software without restriction, subject to:
The above copyright notice and this permission notice shall be included in all copies.`
	bsd2 = "Redistribution and use in source and binary forms, with or without modification, are permitted."
	bsd3 = bsd2 + " Neither the name of the holder may be used to endorse or promote products."
	mpl  = "Mozilla Public License Version 2.0 … Secondary License means either the GNU General Public License Version 2.0 …"
)

func TestLicences(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"a text of its own", "You may look at it.", nil},
		{"MIT", mit, []string{"MIT"}},
		{"BSD, two clauses", bsd2, []string{"BSD-2-Clause"}},
		{"BSD, three clauses", bsd3, []string{"BSD-3-Clause"}},
		{"Apache", "Apache License\n   Version 2.0, January 2004", []string{"Apache-2.0"}},
		{"Mozilla's names the GPL and is none", mpl, []string{"MPL-2.0"}},
		{"GPL", "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007", []string{"GPL"}},
		{"AGPL", "GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3", []string{"AGPL"}},
		{"two in one file", mit + "\n\n" + "Apache License Version 2.0, January 2004", []string{"Apache-2.0", "MIT"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, delivery.Licences(tt.text))
		})
	}
}

func TestLicense_RefusesWhatMayNotBeInARelease(t *testing.T) {
	t.Parallel()
	module := func(path, version, text string) delivery.Module {
		m := delivery.Module{Path: path, Version: version, Dir: t.TempDir()}
		if text != "" {
			require.NoError(t, os.WriteFile(filepath.Join(m.Dir, "LICENSE"), []byte(text), 0o600))
			m.Files = []string{"LICENSE"}
		}
		return m
	}
	excepted := "github.com/nexus-rpc/nexus-proto-annotations"

	good, err := delivery.License([]delivery.Module{module("a.example/good", "v1.0.0", mit), module(excepted, "v0.1.0", "")})
	require.NoError(t, err)
	require.Equal(t, "MIT", good[0].Expression)
	require.Equal(t, "LicenseRef-None-Stated", good[1].Expression)
	require.Contains(t, delivery.LicencePage(good), "| a.example/good | MIT |\n")
	notices, err := delivery.Notices(good)
	require.NoError(t, err)
	require.Contains(t, notices, "a.example/good v1.0.0 (MIT)")
	require.Contains(t, notices, "Copyright (c) 2020 Somebody")

	_, err = delivery.License([]delivery.Module{
		module("a.example/none", "v1.0.0", ""), module("a.example/gpl", "v1.0.0", "GNU General Public License Version 2"),
		module("a.example/good", "v1.0.0", mit), module(excepted, "v0.2.0", ""),
	})
	require.ErrorContains(t, err, "a.example/none (no licence that is known), a.example/gpl (GPL), "+excepted+" (no licence")
	require.NotContains(t, err.Error(), "good")

	gone := module("a.example/gone", "v1.0.0", "")
	gone.Files = []string{"LICENSE"}
	_, err = delivery.License([]delivery.Module{gone})
	require.ErrorContains(t, err, "read a licence")
	_, err = delivery.Notices([]delivery.Licensed{{Module: gone}})
	require.ErrorContains(t, err, "read a licence")
}

func TestLicencePage_IsCurrent(t *testing.T) {
	t.Parallel()
	const page = "../docs/licences.md"
	modules, err := delivery.Modules(t.Context(), "..", "./cmd/marketdata", delivery.Platforms())
	require.NoError(t, err)
	licensed, err := delivery.License(modules)
	require.NoError(t, err)
	want := delivery.LicencePage(licensed)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o600))
		return
	}
	got, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run make generate")
}

func TestModules_OfNothing(t *testing.T) {
	t.Parallel()
	_, err := delivery.Modules(t.Context(), t.TempDir(), "./cmd/marketdata", delivery.Platforms())
	require.ErrorContains(t, err, "go list")
	_, err = delivery.Packages(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "go list")
}

func TestPackages_AreThoseWithStatements(t *testing.T) {
	t.Parallel()
	packages, err := delivery.Packages(t.Context(), "..")
	require.NoError(t, err)
	require.Contains(t, packages, "marketdata/delivery")
	require.Contains(t, packages, "marketdata/cmd/marketdata")
	require.NotContains(t, packages, "marketdata", "the root has nothing but tests")
	require.NotContains(t, packages, "marketdata/e2e")
}
