// Command delivery makes what a release consists of; `make` calls it. See package delivery.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"marketdata/delivery"
)

// Exit codes beside 0 and 1.
const (
	exitUsage      = 2
	exitFound      = 3 // as govulncheck's own
	exitNotChecked = 4
)

const product = "./cmd/marketdata"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errUsage is answered with how the command is called.
var errUsage = errors.New("usage: delivery notes|coverage|licences|sbom|dist|vuln [flags] [arguments]")

// errFound says that there are vulnerabilities in what is released.
var errFound = errors.New("there are known vulnerabilities in what is released")

// run executes one command and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		return exitUsage
	}
	_, _ = fmt.Fprintln(stderr, err)
	switch {
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, delivery.ErrNotChecked):
		return exitNotChecked
	case errors.Is(err, errUsage):
		return exitUsage
	default:
		return 1
	}
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	commands := map[string]func(context.Context, *flag.FlagSet, []string, io.Writer) error{
		"notes": notes, "coverage": coverage, "licences": licences, "sbom": sbom, "dist": dist, "vuln": vuln,
	}
	command, isKnown := commands[args[0]]
	if !isKnown {
		return errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	return command(ctx, flags, args[1:], stdout)
}

func notes(_ context.Context, flags *flag.FlagSet, args []string, stdout io.Writer) error {
	file := flags.String("changelog", "CHANGELOG.md", "the changelog")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	text, err := os.ReadFile(*file) //nolint:gosec // the caller names the file
	if err != nil {
		return fmt.Errorf("read the changelog: %w", err)
	}
	section, err := delivery.Notes(string(text), flags.Arg(0))
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, section)
	return err
}

func coverage(ctx context.Context, flags *flag.FlagSet, args []string, stdout io.Writer) (err error) {
	file := flags.String("profile", "coverage.out", "what go test -coverprofile wrote")
	floor := flags.Float64("floor", 0, "fail below this percentage")
	badge := flags.String("badge", "", "write a picture of the total to this file")
	table := flags.String("table", "", "add a table in Markdown to this file")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	profile, err := os.Open(*file) //nolint:gosec // the caller names the file
	if err != nil {
		return fmt.Errorf("open the profile: %w", err)
	}
	defer func() { err = errors.Join(err, profile.Close()) }()
	measured, err := delivery.ReadCoverage(profile)
	if err != nil {
		return err
	}
	if *badge != "" {
		if err := os.WriteFile(*badge, []byte(measured.Badge(*floor)), 0o600); err != nil { //nolint:gosec // the caller names the file
			return fmt.Errorf("write the badge: %w", err)
		}
	}
	if *table != "" {
		if err := appendTo(*table, measured.Table(*floor)); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(stdout, "coverage %.1f %% of %d statements, floor %g %%\n", measured.Total.Percent(), measured.Total.Statements, *floor)
	packages, err := delivery.Packages(ctx, ".")
	if err != nil {
		return err
	}
	if missing := measured.Missing(packages); len(missing) > 0 {
		return fmt.Errorf("nothing was measured of %s", strings.Join(missing, ", "))
	}
	if measured.Total.Percent() < *floor {
		return fmt.Errorf("coverage is below its floor")
	}
	return nil
}

func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the caller names the file
	if err != nil {
		return fmt.Errorf("open the table: %w", err)
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

func licences(ctx context.Context, flags *flag.FlagSet, args []string, stdout io.Writer) error {
	file := flags.String("page", filepath.Join("docs", "licences.md"), "the page to compare with")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	licensed, err := licensedModules(ctx)
	if err != nil {
		return err
	}
	page, err := os.ReadFile(*file) //nolint:gosec // the caller names the file
	if err != nil {
		return fmt.Errorf("read the page of licences: %w", err)
	}
	if string(page) != delivery.LicencePage(licensed) {
		return fmt.Errorf("%s is not current: run make generate", *file)
	}
	_, err = fmt.Fprintf(stdout, "%d modules, all under licences that are known and allowed; %s is current\n", len(licensed), *file)
	return err
}

func licensedModules(ctx context.Context) ([]delivery.Licensed, error) {
	modules, err := delivery.Modules(ctx, ".", product, delivery.Platforms())
	if err != nil {
		return nil, err
	}
	return delivery.License(modules)
}

func sbom(ctx context.Context, flags *flag.FlagSet, args []string, stdout io.Writer) error {
	out := flags.String("o", "", "the file to write")
	if err := flags.Parse(args); err != nil || *out == "" || flags.NArg() != 1 {
		return fmt.Errorf("%w: delivery sbom -o FILE BINARY", errUsage)
	}
	licensed, err := licensedModules(ctx)
	if err != nil {
		return err
	}
	document, err := delivery.SBOM(flags.Arg(0), licensed)
	if err != nil {
		return err
	}
	if err := os.WriteFile(*out, document, 0o600); err != nil { //nolint:gosec // the caller names the file
		return fmt.Errorf("write the bill of materials: %w", err)
	}
	_, err = fmt.Fprintln(stdout, *out)
	return err
}

func dist(ctx context.Context, flags *flag.FlagSet, args []string, stdout io.Writer) error {
	version := flags.String("version", "", "the tag that the commit must have")
	out := flags.String("o", "dist", "the folder for the archives; what it holds is replaced")
	platforms := flags.String("platforms", "", "for which, with blanks between; all by default")
	gcFlags := flags.String("gcflags", "", "for the compilers of all packages; those of a release by default")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	wanted := delivery.Platforms()
	if *platforms != "" {
		wanted = nil
		for _, name := range strings.Fields(*platforms) {
			if !slices.Contains(delivery.Platforms(), delivery.Platform(name)) {
				return fmt.Errorf("there are no releases for %q: %v", name, delivery.Platforms())
			}
			wanted = append(wanted, delivery.Platform(name))
		}
	}
	names, err := delivery.Dist{
		Root: ".", Out: *out, Package: product, Version: *version, Platforms: wanted, GCFlags: *gcFlags,
		Extras: []string{"LICENSE", "README.md", "CHANGELOG.md", "config.example.yaml", "catalog/*.yaml"},
	}.Make(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		_, _ = fmt.Fprintln(stdout, filepath.Join(*out, name))
	}
	return nil
}

// vuln runs govulncheck against a database that can be reached, and judges for a release. Exit code 3 is a finding, 4
// says that there is no database.
func vuln(ctx context.Context, flags *flag.FlagSet, args []string, stdout io.Writer) error {
	tool := flags.String("tool", filepath.Join("bin", "govulncheck"), "the program govulncheck")
	mod := flags.String("mod", "go.mod", "the file that names the Go release of releases")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	text, err := os.ReadFile(*mod) //nolint:gosec // the caller names the file
	if err != nil {
		return fmt.Errorf("read go.mod: %w", err)
	}
	toolchain, err := delivery.Toolchain(string(text))
	if err != nil {
		return err
	}
	database, err := delivery.VulnSources{
		Given: os.Getenv("GOVULNDB"), Client: &http.Client{Timeout: 10 * time.Second}, Download: delivery.DownloadModule,
	}.Find(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "database: %s; releases are built with %s\n", database.Origin, toolchain)
	check := exec.CommandContext(ctx, *tool, append([]string{"-format", "json", "-db", database.URL}, flags.Args()...)...) //nolint:gosec // the caller names the program
	var complaints bytes.Buffer
	check.Stderr = &complaints
	findings, err := check.Output()
	if err != nil {
		return fmt.Errorf("govulncheck: %w: %s", err, bytes.TrimSpace(complaints.Bytes()))
	}
	report, err := delivery.ReadVulns(bytes.NewReader(findings), toolchain)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprint(stdout, report)
	if len(report.Release) > 0 {
		return errFound
	}
	return nil
}
