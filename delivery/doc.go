// Package delivery makes what a release consists of from a checkout: archives and checksums, bills of materials, the
// page of licences, notes of a version, and the figures of coverage. It knows nothing of the product's code; the
// command cmd/delivery, make and the workflows call it.
//
// A tour:
//
//	notes.go      the section of a version in CHANGELOG.md
//	coverage.go   what a coverage profile says, as a table and as a badge
//	module.go     which modules are compiled into the product, on which platforms
//	licence.go    which licences they have; docs/licences.md
//	sbom.go       a CycloneDX document of a built binary
//	dist.go       the archives of a release, byte for byte the same for the same commit
//	vuln.go       which database of vulnerabilities can be asked from here; vuln_report.go: what it means for a release
package delivery
