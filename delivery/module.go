package delivery

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Platform is an operating system and a processor, as Go names them: "linux/arm64".
type Platform string

// Platforms returns those a release is built for.
func Platforms() []Platform {
	return []Platform{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}
}

// env returns what tells the Go toolchain to build statically for the platform, whatever the machine's own settings are.
func (p Platform) env() []string {
	system, processor, _ := strings.Cut(string(p), "/")
	return []string{
		"CGO_ENABLED=0", "GOOS=" + system, "GOARCH=" + processor, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=",
	}
}

// Module is a module of which code is compiled into the product.
type Module struct {
	Path    string // "std" for the standard library
	Version string
	Dir     string   // where its source is
	Files   []string // licence and notice files, beside the packages used and above, relative to Dir
}

// standardLibrary is the path under which the licence of Go's own code is listed.
const standardLibrary = "std"

// listedPackage is what `go list -deps -json` tells of a package.
type listedPackage struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     *struct {
		Path    string
		Version string
		Dir     string
		Main    bool
	}
}

// Modules returns the modules of others that are compiled into a package of the checkout in dir, on any of the
// platforms, by path.
func Modules(ctx context.Context, dir, pkg string, platforms []Platform) ([]Module, error) {
	modules, folders := map[string]Module{}, map[string][]string{}
	for _, platform := range platforms {
		packages, err := listPackages(ctx, dir, pkg, platform)
		if err != nil {
			return nil, err
		}
		for _, p := range packages {
			if p.Module == nil || p.Module.Main || p.Standard {
				continue
			}
			modules[p.Module.Path] = Module{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir}
			folders[p.Module.Path] = append(folders[p.Module.Path], p.Dir)
		}
	}
	std, err := goRoot(ctx, dir)
	if err != nil {
		return nil, err
	}
	modules[standardLibrary], folders[standardLibrary] = std, []string{std.Dir}
	var all []Module
	for path, m := range modules {
		if m.Files, err = licenceFiles(m.Dir, folders[path]); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Module) int { return cmp.Compare(a.Path, b.Path) })
	return all, nil
}

// Packages returns the packages of the checkout in dir that have statements outside of tests.
func Packages(ctx context.Context, dir string) ([]string, error) {
	out, err := goTool(ctx, dir, nil, "list", "-f", `{{if .GoFiles}}{{.ImportPath}}{{"\t"}}{{.Dir}}{{"\t"}}{{join .GoFiles " "}}{{end}}`, "./...")
	if err != nil {
		return nil, err
	}
	var packages []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 {
			continue
		}
		for _, file := range strings.Fields(fields[2]) {
			has, err := hasStatements(filepath.Join(fields[1], file))
			if err != nil {
				return nil, err
			}
			if has {
				packages = append(packages, fields[0])
				break
			}
		}
	}
	return packages, nil
}

// hasStatements reports whether a file has a function that does something.
func hasStatements(path string) (bool, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return false, fmt.Errorf("read code: %w", err)
	}
	for _, declaration := range file.Decls {
		if f, isFunc := declaration.(*ast.FuncDecl); isFunc && f.Body != nil && len(f.Body.List) > 0 {
			return true, nil
		}
	}
	return false, nil
}

func listPackages(ctx context.Context, dir, pkg string, platform Platform) ([]listedPackage, error) {
	out, err := goTool(ctx, dir, platform.env(), "list", "-deps", "-json=ImportPath,Dir,Standard,Module", pkg)
	if err != nil {
		return nil, err
	}
	var packages []listedPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the list of packages: %w", err)
		}
		packages = append(packages, p)
	}
}

// goRoot returns the standard library as a module.
func goRoot(ctx context.Context, dir string) (Module, error) {
	out, err := goTool(ctx, dir, nil, "env", "GOROOT", "GOVERSION")
	if err != nil {
		return Module{}, err
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return Module{Path: standardLibrary, Version: strings.TrimPrefix(version, "go"), Dir: root}, nil
}

// goTool runs the go command in dir and returns what it prints; its complaints become the error. It is the Go release at
// hand that runs, never one that it would download.
func goTool(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // it is always go
	command.Dir = dir
	command.Env = append(append(command.Environ(), "GOTOOLCHAIN=local"), env...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, bytes.TrimSpace(complaints.Bytes()))
	}
	return out, nil
}

// licenceFiles returns the licence files in the folders and those above them, up to the root.
func licenceFiles(root string, folders []string) ([]string, error) {
	found := map[string]bool{}
	seen := map[string]bool{}
	for _, folder := range folders {
		for ; !seen[folder] && len(folder) >= len(root); folder = filepath.Dir(folder) {
			seen[folder] = true
			for _, pattern := range []string{"LICEN[CS]E*", "COPYING*", "UNLICENSE*", "NOTICE*", "[Ll]icen[cs]e*"} {
				names, err := filepath.Glob(filepath.Join(escapeGlob(folder), pattern))
				if err != nil {
					return nil, fmt.Errorf("look for licences: %w", err)
				}
				for _, name := range names {
					if file, err := filepath.Rel(root, name); err == nil && isText(file) {
						found[file] = true
					}
				}
			}
		}
	}
	files := make([]string, 0, len(found))
	for file := range found {
		files = append(files, file)
	}
	slices.Sort(files)
	return files, nil
}

// isText tells files that hold a licence from code and folders that are only called so.
func isText(file string) bool {
	switch strings.ToLower(filepath.Ext(file)) {
	case "", ".txt", ".md", ".mit", ".apache", ".bsd", ".apache2":
		return true
	default:
		return false
	}
}

// escapeGlob takes the meaning from characters that patterns use; module paths may hold brackets.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
