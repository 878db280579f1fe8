package delivery

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// licenceRule says by which words a licence is known, and whether the product may contain code under it.
type licenceRule struct {
	id        string // SPDX
	words     []string
	without   string // a text with these words is another one
	isAllowed bool
}

// licenceRules lists the licences that are known. The product is distributed as a binary under the Apache License:
// licences that ask for more than notices, or for the source of the files themselves, are not allowed.
func licenceRules() []licenceRule {
	const free = "permission is hereby granted, free of charge, to any person obtaining a copy"
	return []licenceRule{
		{"Apache-2.0", []string{"apache license", "version 2.0, january 2004"}, "", true},
		{"MIT", []string{free, "the above copyright notice and this permission notice shall be included"}, "", true},
		{"BSD-3-Clause", []string{"redistribution and use in source and binary forms", "endorse or promote products"}, "", true},
		{"BSD-2-Clause", []string{"redistribution and use in source and binary forms"}, "endorse or promote products", true},
		{"ISC", []string{"permission to use, copy, modify, and", "distribute this software for any purpose with or without fee"}, "", true},
		{"MPL-2.0", []string{"mozilla public license version 2.0"}, "", true},
		{"Unlicense", []string{"this is free and unencumbered software released into the public domain"}, "", true},
		{"CC0-1.0", []string{"cc0 1.0 universal"}, "", true},
		{"LicenseRef-Public-Domain", []string{"all these files have been put into the public domain"}, "", true},
		{"AGPL", []string{"gnu affero general public license version"}, "", false},
		{"LGPL", []string{"gnu lesser general public license version"}, "", false},
		{"GPL", []string{"gnu general public license version"}, "mozilla public license version 2.0", false},
		{"SSPL", []string{"server side public license"}, "", false},
		{"BUSL", []string{"business source license"}, "", false},
	}
}

// exception is a module that states no licence and is used all the same, in one version: the next is looked at again.
type exception struct {
	version    string
	expression string
	reason     string
}

// exceptions says which modules they are, and why.
func exceptions() map[string]exception {
	return map[string]exception{
		"github.com/nexus-rpc/nexus-proto-annotations": {
			"v0.1.0", "LicenseRef-None-Stated",
			"the module has no licence file. It holds Protobuf annotations of the authors of go.temporal.io/api (MIT), " +
				"which imports it; the Temporal SDK cannot be built without it.",
		},
	}
}

// Licences returns the SPDX names of all licences whose words are in a text, none where it is of another kind.
func Licences(text string) []string {
	words := strings.Join(strings.Fields(strings.ToLower(text)), " ")
	var ids []string
	for _, rule := range licenceRules() {
		isKnown := rule.without == "" || !strings.Contains(words, rule.without)
		for _, phrase := range rule.words {
			isKnown = isKnown && strings.Contains(words, phrase)
		}
		if isKnown {
			ids = append(ids, rule.id)
		}
	}
	return ids
}

// Licensed is a module with its licences, as an SPDX expression: "MIT AND Apache-2.0" where parts have different ones.
type Licensed struct {
	Module

	Expression string
}

// License reads the licence files of modules. All that have no licence that is known, or one that is not allowed, are
// named in one error.
func License(modules []Module) ([]Licensed, error) {
	var licensed []Licensed
	var refused []string
	for _, m := range modules {
		var ids []string
		for _, file := range m.Files {
			text, err := os.ReadFile(filepath.Join(m.Dir, file)) //nolint:gosec // a licence in the module cache
			if err != nil {
				return nil, fmt.Errorf("read a licence: %w", err)
			}
			ids = append(ids, Licences(string(text))...)
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if e, isExcepted := exceptions()[m.Path]; len(ids) == 0 && isExcepted && e.version == m.Version {
			ids = []string{e.expression}
		}
		if len(ids) == 0 {
			refused = append(refused, m.Path+" (no licence that is known)")
		}
		for _, rule := range licenceRules() {
			if !rule.isAllowed && slices.Contains(ids, rule.id) {
				refused = append(refused, m.Path+" ("+rule.id+")")
			}
		}
		licensed = append(licensed, Licensed{Module: m, Expression: strings.Join(ids, " AND ")})
	}
	if len(refused) > 0 {
		return nil, fmt.Errorf("these modules must not be in a release: %s", strings.Join(refused, ", "))
	}
	return licensed, nil
}

// LicencePage returns docs/licences.md. It names no versions, so that an update of a module changes it only where its
// licence changes.
func LicencePage(modules []Licensed) string {
	var allowed []string
	for _, rule := range licenceRules() {
		if rule.isAllowed {
			allowed = append(allowed, rule.id)
		}
	}
	var platforms []string
	for _, p := range Platforms() {
		platforms = append(platforms, string(p))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Licences

marketdata is under the Apache License 2.0, see [LICENSE](../LICENSE). Its binary contains code of the modules below, on
at least one of %s; versions are in [go.mod](../go.mod). Where several licences are named, parts of the
module are under each. The archives of a release hold the texts, in THIRD-PARTY-NOTICES.txt.

Allowed are %s. A module under another licence, or under one that is not
recognised, fails `+"`make licences`"+`. This page is generated: `+"`make generate`"+` writes it.

| module | licence |
|---|---|
`, strings.Join(platforms, ", "), strings.Join(allowed, ", "))
	for _, m := range modules {
		name := m.Path
		if name == standardLibrary {
			name = "std (Go's standard library)"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, m.Expression)
	}
	b.WriteString("\n## Exceptions\n\n")
	for _, m := range modules {
		if e, isExcepted := exceptions()[m.Path]; isExcepted {
			fmt.Fprintf(&b, "* `%s` %s: %s\n", m.Path, e.version, e.reason)
		}
	}
	return b.String()
}

// Notices returns the texts of all licences and notices, as the licences ask those to do who hand a binary on.
func Notices(modules []Licensed) (string, error) {
	var b strings.Builder
	b.WriteString("marketdata contains code of the modules below, under the licences that follow each.\n")
	for _, m := range modules {
		fmt.Fprintf(&b, "\n%s\n%s %s (%s)\n%s\n", strings.Repeat("=", 100), m.Path, m.Version, m.Expression, strings.Repeat("=", 100))
		for _, file := range m.Files {
			text, err := os.ReadFile(filepath.Join(m.Dir, file)) //nolint:gosec // a licence in the module cache
			if err != nil {
				return "", fmt.Errorf("read a licence: %w", err)
			}
			fmt.Fprintf(&b, "\n--- %s\n\n%s\n", file, strings.TrimSpace(string(text)))
		}
	}
	return b.String(), nil
}
