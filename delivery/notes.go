package delivery

import (
	"fmt"
	"regexp"
	"strings"
)

// headingPattern is a version's heading in the form of Keep a Changelog: its number in brackets, then its date.
var headingPattern = regexp.MustCompile(`^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$`)

// Notes returns what a changelog says of a version, without the heading. The version may be written with or without
// its "v"; "unreleased" is what comes next. A version that has no section, an empty one or one without a date is an
// error: it cannot be released.
func Notes(changelog, version string) (string, error) {
	want := strings.TrimPrefix(version, "v")
	if want == "" {
		return "", fmt.Errorf("notes of which version? (0.1.0, or unreleased)")
	}
	var section []string
	isInside, isDated := false, false
	for line := range strings.Lines(changelog) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "## ") {
			if isInside {
				break
			}
			match := headingPattern.FindStringSubmatch(line)
			isInside = match != nil && strings.EqualFold(match[1], want)
			isDated = isInside && match[2] != ""
			continue
		}
		if isInside {
			section = append(section, line)
		}
	}
	notes := strings.TrimSpace(strings.Join(section, "\n"))
	switch {
	case notes == "":
		return "", fmt.Errorf("the changelog says nothing of %s: it needs a section \"## [%s] - DATE\"", version, want)
	case !isDated && !strings.EqualFold(want, "unreleased"):
		return "", fmt.Errorf("the changelog's section of %s has no date: \"## [%s] - YYYY-MM-DD\"", version, want)
	}
	return notes + "\n", nil
}
