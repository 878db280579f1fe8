package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"

	"marketdata/market"
)

// importsAtOnce is how many instruments are checked or registered side by side.
const importsAtOnce = 8

// importFile is a file of instruments: the bodies of POST /v1/instruments.
type importFile struct {
	Instruments []instrumentBody `yaml:"instruments"`
}

func newInstrumentsImport(a *app) *cobra.Command {
	var isDryRun bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Register the instruments of a file",
		Long: `Register the instruments of a YAML or JSON file ("-" reads standard input), or add to those that are there what they lack.
All problems of the file are told at once, each with its place, and then nothing is imported. No provider is asked: the
first backfill of an instrument finds out since when there are bars.`,
		Example: `  marketdata instruments import catalog/us.yaml
  marketdata instruments import --dry-run - < mine.yaml`,
		Args: arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := readInput(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			bodies, err := parseImport(text)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			api, asJSON, err := a.openForOutput(c)
			if err != nil {
				return err
			}
			if _, err := postAll(c.Context(), api, bodies, "?dry_run=true"); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if isDryRun {
				return a.printImport(asJSON, "%d instruments can be imported\n", bodies, nil)
			}
			views, err := postAll(c.Context(), api, bodies, "?skip_listing=true")
			if err != nil {
				return fmt.Errorf("not all was imported, repeat it: %w", err)
			}
			return a.printImport(asJSON, "%d instruments are registered\n", bodies, views)
		},
	}
	c.Flags().BoolVar(&isDryRun, "dry-run", false, "check only")
	addAPIURL(c)
	addOutput(c)
	return c
}

// readInput reads a file, or standard input for "-".
func readInput(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}

// parseImport reads a file of instruments. The error names every unknown key, wrong type and instrument that is there
// twice.
func parseImport(text []byte) ([]instrumentBody, error) {
	var file importFile
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	err := decoder.Decode(&file)
	var mismatch *yaml.TypeError
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty")
	case errors.As(err, &mismatch):
		return nil, problems(mismatch.Errors)
	case err != nil:
		return nil, fmt.Errorf("it is neither YAML nor JSON: %w", err)
	case len(file.Instruments) == 0:
		return nil, errors.New("it has no instruments: want a list named instruments")
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one document: put all instruments into one list")
	}
	var wrong []string
	places := map[string]int{}
	for i, body := range file.Instruments {
		id := strings.ToUpper(body.Symbol + "." + body.Venue)
		if first, isTwice := places[id]; isTwice {
			wrong = append(wrong, fmt.Sprintf("instruments[%d]: %s is instruments[%d] already", i, id, first))
			continue
		}
		places[id] = i
	}
	return file.Instruments, problems(wrong)
}

// problems makes one error of many; nil of none.
func problems(texts []string) error {
	switch len(texts) {
	case 0:
		return nil
	case 1:
		return errors.New(texts[0])
	}
	return fmt.Errorf("%d problems:\n  %s", len(texts), strings.Join(texts, "\n  "))
}

// postAll posts every instrument and returns the answers in order. The error names every problem of every instrument.
func postAll(ctx context.Context, api *apiClient, bodies []instrumentBody, query string) ([]instrumentView, error) {
	views, refused := make([]instrumentView, len(bodies)), make([][]string, len(bodies))
	var group errgroup.Group
	group.SetLimit(importsAtOnce)
	for i, body := range bodies {
		group.Go(func() error {
			_, err := api.post(ctx, "/v1/instruments"+query, body, &views[i])
			var problem *problemError
			if errors.As(err, &problem) {
				refused[i] = problem.at(fmt.Sprintf("instruments[%d]", i))
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return views, problems(slices.Concat(refused...))
}

// at returns the problem line by line, with places in the body as places below prefix.
func (p *problemError) at(prefix string) []string {
	if len(p.Errors) == 0 {
		return []string{prefix + ": " + p.Detail}
	}
	lines := make([]string, len(p.Errors))
	for i, e := range p.Errors {
		lines[i] = prefix + strings.TrimPrefix(e.Location, "body") + ": " + e.Message
	}
	return lines
}

func (a *app) printImport(asJSON bool, summary string, bodies []instrumentBody, views []instrumentView) error {
	if asJSON {
		ids := make([]string, len(bodies))
		for i, body := range bodies {
			ids[i] = market.InstrumentID{Symbol: strings.ToUpper(body.Symbol), Venue: strings.ToUpper(body.Venue)}.String()
		}
		return writeJSON(a.stdout, map[string]any{"imported": len(views), "instruments": ids})
	}
	if len(views) > 0 {
		rows := [][]string{{"INSTRUMENT", "CLASS", "CURRENCY", "CALENDAR", "PROVIDERS", "INTERVALS", "NAME"}}
		for _, view := range views {
			rows = append(rows, instrumentRow(view))
		}
		if err := writeTable(a.stdout, rows...); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.stderr, summary, len(bodies))
	return err
}
