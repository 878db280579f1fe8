package delivery

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/google/uuid"
)

// bom is the part of a CycloneDX 1.6 document that is written: https://cyclonedx.org/docs/1.6/json/.
type bom struct {
	Schema       string          `json:"$schema"`
	Format       string          `json:"bomFormat"`
	SpecVersion  string          `json:"specVersion"`
	SerialNumber string          `json:"serialNumber"`
	Version      int             `json:"version"`
	Metadata     bomMetadata     `json:"metadata"`
	Components   []bomComponent  `json:"components"`
	Dependencies []bomDependency `json:"dependencies"`
}

type bomMetadata struct {
	Timestamp string       `json:"timestamp,omitempty"`
	Component bomComponent `json:"component"`
}

type bomComponent struct {
	Type       string        `json:"type"`
	Ref        string        `json:"bom-ref"`
	Name       string        `json:"name"`
	Version    string        `json:"version"`
	Scope      string        `json:"scope,omitempty"`
	Hashes     []bomHash     `json:"hashes,omitempty"`
	Licenses   []bomLicence  `json:"licenses,omitempty"`
	PURL       string        `json:"purl"`
	Properties []bomProperty `json:"properties,omitempty"`
}

type bomHash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type bomLicence struct {
	Expression string `json:"expression"`
}

type bomProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type bomDependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// SBOM returns the bill of materials of a built binary, as CycloneDX JSON: what the Go toolchain wrote into it, with
// the licences of the modules. The same binary gives the same document. A module whose licence is not among those
// given is an error.
func SBOM(file string, licences []Licensed) ([]byte, error) {
	content, err := os.ReadFile(file) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("read the binary: %w", err)
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read what %s was built from: %w", file, err)
	}
	expressions := map[string]string{}
	for _, l := range licences {
		expressions[l.Path] = l.Expression
	}
	sum := sha256.Sum256(content)
	doc := bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		SerialNumber: uuid.NewHash(sha256.New(), uuid.NameSpaceURL, sum[:], 8).URN(),
		Metadata:     describe(info, hex.EncodeToString(sum[:])),
	}
	main := bomDependency{Ref: doc.Metadata.Component.Ref}
	deps := append([]*debug.Module{{Path: standardLibrary, Version: strings.TrimPrefix(info.GoVersion, "go")}}, info.Deps...)
	var unknown []error
	for _, dep := range deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		if expressions[dep.Path] == "" {
			unknown = append(unknown, fmt.Errorf("the licence of %s is not known", dep.Path))
		}
		c := component(dep, expressions[dep.Path])
		doc.Components = append(doc.Components, c)
		doc.Dependencies = append(doc.Dependencies, bomDependency{Ref: c.Ref})
		main.DependsOn = append(main.DependsOn, c.Ref)
	}
	if len(unknown) > 0 {
		return nil, errors.Join(unknown...)
	}
	doc.Dependencies = append([]bomDependency{main}, doc.Dependencies...)
	out, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the bill of materials: %w", err)
	}
	return append(out, '\n'), nil
}

// describe tells of the binary itself. The time is that of the commit.
func describe(info *debug.BuildInfo, sum string) bomMetadata {
	purl := packageURL(info.Main)
	meta := bomMetadata{Component: bomComponent{
		Type: "application", Ref: purl, Name: info.Main.Path, Version: info.Main.Version, PURL: purl,
		Hashes: []bomHash{{"SHA-256", sum}}, Licenses: []bomLicence{{"Apache-2.0"}},
	}}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.time":
			meta.Timestamp = setting.Value
		case "vcs.revision", "GOOS", "GOARCH", "CGO_ENABLED":
			meta.Component.Properties = append(meta.Component.Properties, bomProperty{"build:" + setting.Key, setting.Value})
		}
	}
	return meta
}

func component(dep *debug.Module, expression string) bomComponent {
	purl := packageURL(*dep)
	c := bomComponent{
		Type: "library", Ref: purl, Name: dep.Path, Version: dep.Version, Scope: "required", PURL: purl,
		Licenses: []bomLicence{{expression}},
	}
	if dep.Sum != "" {
		c.Properties = []bomProperty{{"go.sum", dep.Sum}}
	}
	return c
}

// packageURL returns the name under which scanners look a module up.
func packageURL(m debug.Module) string {
	return "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
}
