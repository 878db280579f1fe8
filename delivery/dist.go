package delivery

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	goversion "go/version"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// checksums is the file that names the SHA-256 of every other; sha256sum reads it.
const checksums = "SHA256SUMS"

// Dist says what to build and where to put it.
type Dist struct {
	Root      string // the checkout: a git repository
	Out       string // a folder; what it holds is replaced
	Package   string // "./cmd/marketdata"
	Version   string // the tag that the commit must have; "" takes what Go makes of the commit
	Platforms []Platform
	Extras    []string // files that go into each archive, as patterns relative to Root
	GCFlags   string   // for compilers of all packages, with blanks between; "" leaves out what only a debugger reads
}

// Make builds the archives, a bill of materials beside each, and their checksums; it returns the names of the files.
// The same commit gives the same bytes with the same Go release and GCFlags, in whichever folder and on whichever machine:
// paths are trimmed, and every time is that of the commit.
func (d Dist) Make(ctx context.Context) ([]string, error) {
	modules, err := Modules(ctx, d.Root, d.Package, d.Platforms)
	if err != nil {
		return nil, err
	}
	licensed, err := License(modules)
	if err != nil {
		return nil, err
	}
	notices, err := Notices(licensed)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.RemoveAll(d.Out), os.MkdirAll(d.Out, 0o750)); err != nil {
		return nil, fmt.Errorf("empty %s: %w", d.Out, err)
	}
	scratch, err := os.MkdirTemp("", "dist-")
	if err != nil {
		return nil, fmt.Errorf("make room: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // what is left there harms nobody
	var names []string
	for _, platform := range d.Platforms {
		made, err := d.platform(ctx, platform, scratch, licensed, notices)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", platform, err)
		}
		names = append(names, made...)
	}
	slices.Sort(names)
	return append(names, checksums), d.sum(names)
}

// platform makes one archive and its bill of materials.
func (d Dist) platform(ctx context.Context, platform Platform, scratch string, licensed []Licensed, notices string) ([]string, error) {
	name := filepath.Base(d.Package)
	binary := filepath.Join(scratch, strings.ReplaceAll(string(platform), "/", "-"), name)
	if _, err := goTool(ctx, d.Root, platform.env(),
		"build", "-trimpath", "-gcflags=all="+cmp.Or(d.GCFlags, "-dwarf=false"), "-buildvcs=true", "-ldflags", "-s -w", "-o", binary, d.Package); err != nil {
		return nil, err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("read what was built: %w", err)
	}
	version, at := info.Main.Version, commitTime(info)
	if d.Version != "" && version != d.Version {
		return nil, fmt.Errorf("the commit is %s to Go, not %s: is it tagged, and the work tree clean?", version, d.Version)
	}
	if err := d.checkGo(info.GoVersion); err != nil {
		return nil, err
	}
	folder := strings.Join([]string{name, strings.ReplaceAll(version, "+", "-"), strings.ReplaceAll(string(platform), "/", "-")}, "-")
	files := []archived{{name: name, path: binary, mode: 0o755}, {name: "THIRD-PARTY-NOTICES.txt", content: notices, mode: 0o644}}
	for _, pattern := range d.Extras {
		paths, err := filepath.Glob(filepath.Join(escapeGlob(d.Root), pattern))
		if err != nil || len(paths) == 0 {
			return nil, fmt.Errorf("there is no %s: %w", pattern, errors.Join(err, fs.ErrNotExist))
		}
		for _, path := range paths {
			relative, err := filepath.Rel(d.Root, path)
			if err != nil {
				return nil, fmt.Errorf("name a file: %w", err)
			}
			files = append(files, archived{name: filepath.ToSlash(relative), path: path, mode: 0o644})
		}
	}
	if err := writeArchive(filepath.Join(d.Out, folder+".tar.gz"), folder, files, at); err != nil {
		return nil, err
	}
	sbom, err := SBOM(binary, licensed)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(d.Out, folder+".cdx.json"), sbom, 0o600); err != nil {
		return nil, fmt.Errorf("write the bill of materials: %w", err)
	}
	return []string{folder + ".tar.gz", folder + ".cdx.json"}, nil
}

// checkGo refuses to make a release with a Go release older than the one that go.mod names.
func (d Dist) checkGo(used string) error {
	mod, err := os.ReadFile(filepath.Join(d.Root, "go.mod"))
	if err != nil {
		return fmt.Errorf("read go.mod: %w", err)
	}
	toolchain, err := Toolchain(string(mod))
	if err != nil {
		return err
	}
	if d.Version != "" && goversion.Compare(used, toolchain) < 0 {
		return fmt.Errorf("a release is built with %s or later, this is %s", toolchain, used)
	}
	return nil
}

// commitTime returns when the commit was made, 1970 where Go does not know.
func commitTime(info *debug.BuildInfo) time.Time {
	for _, setting := range info.Settings {
		if setting.Key == "vcs.time" {
			if at, err := time.Parse(time.RFC3339, setting.Value); err == nil {
				return at
			}
		}
	}
	return time.Unix(0, 0)
}

// archived is a file of an archive, from a path or from a text.
type archived struct {
	name    string
	path    string
	content string
	mode    int64
}

// writeArchive writes files below a folder, by name, without anything of the machine: no owner, no other time.
func writeArchive(path, folder string, files []archived, at time.Time) (err error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the caller names the folder
	if err != nil {
		return fmt.Errorf("write an archive: %w", err)
	}
	zipped := gzip.NewWriter(out)
	archive := tar.NewWriter(zipped)
	defer func() { err = errors.Join(err, archive.Close(), zipped.Close(), out.Close()) }()
	slices.SortFunc(files, func(a, b archived) int { return strings.Compare(a.name, b.name) })
	for _, file := range files {
		content := []byte(file.content)
		if file.path != "" {
			if content, err = os.ReadFile(file.path); err != nil {
				return fmt.Errorf("read a file for an archive: %w", err)
			}
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: folder + "/" + file.name, Mode: file.mode, Size: int64(len(content)),
			ModTime: at.UTC(), Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("write an archive: %w", err)
		}
		if _, err := archive.Write(content); err != nil {
			return fmt.Errorf("write an archive: %w", err)
		}
	}
	return nil
}

// sum writes the checksums of the files.
func (d Dist) sum(names []string) error {
	var lines strings.Builder
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(d.Out, name)) //nolint:gosec // what was made just now
		if err != nil {
			return fmt.Errorf("read what was made: %w", err)
		}
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(content), name)
	}
	if err := os.WriteFile(filepath.Join(d.Out, checksums), []byte(lines.String()), 0o600); err != nil {
		return fmt.Errorf("write checksums: %w", err)
	}
	return nil
}
