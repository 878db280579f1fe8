package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"io"
	"regexp"
	"strings"
)

// Vulnerability is one that is known, in code that is reached.
type Vulnerability struct {
	ID      string
	Summary string
	Where   string // module or package, and version
	Fixed   string // the version that mends it, "" where none does
	Reached string // a place of ours from which it is reached
}

// VulnReport is what govulncheck found, judged for a release.
type VulnReport struct {
	// Release holds what a release would have: it must be mended.
	Release []Vulnerability
	// Here holds what only binaries have that are built with the Go release at hand: the one that go.mod names, with
	// which releases are built, has mended it.
	Here []Vulnerability
}

// vulnMessage is one of the messages that `govulncheck -format json` prints.
type vulnMessage struct {
	OSV *struct {
		ID      string
		Summary string
	}
	Finding *struct {
		OSV          string
		FixedVersion string `json:"fixed_version"`
		Trace        []vulnFrame
	}
}

type vulnFrame struct {
	Module, Version, Package, Function string
	Position                           *struct {
		Filename string
		Line     int
	}
}

// ReadVulns reads what `govulncheck -format json` prints. Only findings with a way that leads to them count. The
// toolchain is the Go release that releases are built with, as go.mod names it: "go1.26.10".
func ReadVulns(r io.Reader, toolchain string) (VulnReport, error) {
	summaries, found := map[string]string{}, map[string]Vulnerability{}
	var order []string
	isHere := map[string]bool{}
	for decoder := json.NewDecoder(r); ; {
		var message vulnMessage
		err := decoder.Decode(&message)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return VulnReport{}, fmt.Errorf("read what govulncheck says: %w", err)
		}
		if message.OSV != nil {
			summaries[message.OSV.ID] = message.OSV.Summary
		}
		finding := message.Finding
		if finding == nil || len(finding.Trace) == 0 || finding.Trace[0].Function == "" {
			continue
		}
		if _, isKnown := found[finding.OSV]; isKnown {
			continue
		}
		order = append(order, finding.OSV)
		found[finding.OSV] = Vulnerability{
			ID: finding.OSV, Where: finding.Trace[0].Package + "@" + finding.Trace[0].Version,
			Fixed: finding.FixedVersion, Reached: reachedFrom(finding.Trace),
		}
		isHere[finding.OSV] = finding.Trace[0].Module == "stdlib" && finding.FixedVersion != "" &&
			version.Compare("go"+strings.TrimPrefix(finding.FixedVersion, "v"), toolchain) <= 0
	}
	var report VulnReport
	for _, id := range order {
		v := found[id]
		v.Summary = summaries[id]
		if isHere[id] {
			report.Here = append(report.Here, v)
		} else {
			report.Release = append(report.Release, v)
		}
	}
	return report, nil
}

// reachedFrom returns the place of the outermost call.
func reachedFrom(trace []vulnFrame) string {
	last := trace[len(trace)-1]
	if last.Position == nil {
		return last.Package
	}
	return fmt.Sprintf("%s:%d", last.Position.Filename, last.Position.Line)
}

// Toolchain returns the Go release that a go.mod names, in its line toolchain, else in its line go.
func Toolchain(mod string) (string, error) {
	for _, pattern := range []string{`(?m)^toolchain (go\S+)$`, `(?m)^go (\S+)$`} {
		if match := regexp.MustCompile(pattern).FindStringSubmatch(mod); match != nil {
			return "go" + strings.TrimPrefix(match[1], "go"), nil
		}
	}
	return "", errors.New("go.mod names no Go release")
}

// String returns the report for people.
func (r VulnReport) String() string {
	var b strings.Builder
	list := func(title string, vulns []Vulnerability) {
		if len(vulns) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s\n", title)
		for _, v := range vulns {
			fixed := v.Fixed
			if fixed == "" {
				fixed = "not yet"
			}
			fmt.Fprintf(&b, "  %s %s\n    %s, mended: %s, reached from %s, https://pkg.go.dev/vuln/%s\n", v.ID, v.Summary, v.Where, fixed, v.Reached, v.ID)
		}
	}
	list(fmt.Sprintf("%d known vulnerabilities in what is released:", len(r.Release)), r.Release)
	list(fmt.Sprintf("WARNING: the Go release here is older than the one of go.mod, which has mended these %d; update it:", len(r.Here)), r.Here)
	if len(r.Release) == 0 {
		b.WriteString("no known vulnerabilities in code that is reached, as it is released\n")
	}
	return b.String()
}
