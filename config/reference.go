package config

import (
	"fmt"
	"strings"
)

// completions are the defaults of entries that only the sources know, by section.
func completions() map[string]map[string]any {
	return map[string]map[string]any{
		"providers":       {"enabled": true},
		"alerts.webhooks": {"enabled": true, "format": FormatJSON},
	}
}

// Reference returns every key as a table in Markdown, in the order of the documentation: what it is called in the
// environment, its default, and what it means. The name of an instance or a webhook is NAME, that of a schedule ID.
func Reference() string {
	var b strings.Builder
	b.WriteString("| key | environment | default | meaning |\n|---|---|---|---|\n")
	defaults := Default(nil).values()
	for _, k := range keys() {
		section, field, isNamed := strings.Cut(k.path, ".*.")
		preset := defaults[k.path]
		if isNamed {
			preset = completions()[section][field]
		}
		written := "–"
		if k.kind == count {
			written = "`0`"
		}
		if k.kind == claim {
			written = "`false`"
		}
		if preset != nil && valueText(preset) != "" {
			written = "`" + valueText(preset) + "`"
		}
		about := strings.ReplaceAll(k.about, "|", `\|`)
		if k.isSecret {
			about += "; **secret**"
		}
		path := strings.Replace(k.path, "*", placeholder(section), 1)
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", path, environName(path), written, about)
	}
	return b.String()
}

// placeholder stands for the name that a user gives in a section.
func placeholder(section string) string {
	if section == "schedules" {
		return "ID"
	}
	return "NAME"
}
