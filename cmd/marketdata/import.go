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
	Instruments []*instrumentBody `yaml:"instruments"`
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
			bodies, wrong, err := parseImport(text)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			api, asJSON, err := a.openForOutput(c)
			if err != nil {
				return err
			}
			_, refused, err := postAll(c.Context(), api, bodies, "?dry_run=true")
			if err == nil {
				err = problems(append(wrong, refused...))
			}
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if isDryRun {
				return a.printImport(asJSON, "%d instruments can be imported\n", bodies, nil)
			}
			views, refused, err := postAll(c.Context(), api, bodies, "?skip_listing=true")
			if err == nil {
				err = problems(refused)
			}
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
	return os.ReadFile(name) //nolint:gosec // the person who types the command names the file
}

// parseImport reads a file of instruments, and tells what is wrong with it by itself: unknown keys, wrong types and
// instruments that are there twice. The error is for a file that cannot be read at all.
func parseImport(text []byte) (bodies []*instrumentBody, wrong []string, err error) {
	var file importFile
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	err = decoder.Decode(&file)
	var mismatch *yaml.TypeError
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil, errors.New("the file is empty")
	case errors.As(err, &mismatch): // the rest is read all the same
		for _, text := range mismatch.Errors {
			text, _, _ = strings.Cut(text, " in type ") // of this program's, which says nothing to a person
			text, _, _ = strings.Cut(text, " into ")
			wrong = append(wrong, text)
		}
	case err != nil:
		return nil, nil, fmt.Errorf("it is neither YAML nor JSON: %w", err)
	}
	if len(file.Instruments) == 0 && len(wrong) == 0 {
		return nil, nil, errors.New("it has no instruments: want a list named instruments")
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("it has more than one document: put all instruments into one list")
	}
	places := map[string]int{}
	for i, body := range file.Instruments {
		if body == nil {
			wrong = append(wrong, fmt.Sprintf("instruments[%d]: it is empty", i))
			continue
		}
		id := strings.ToUpper(body.Symbol + "." + body.Venue)
		if first, isTwice := places[id]; isTwice {
			wrong = append(wrong, fmt.Sprintf("instruments[%d]: %s is instruments[%d] already", i, id, first))
			continue
		}
		places[id] = i
	}
	return file.Instruments, wrong, nil
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

// postAll posts every instrument and returns the answers in order, and every problem of every instrument.
func postAll(ctx context.Context, api *apiClient, bodies []*instrumentBody, query string) ([]instrumentView, []string, error) {
	views, refused := make([]instrumentView, len(bodies)), make([][]string, len(bodies))
	var group errgroup.Group
	group.SetLimit(importsAtOnce)
	for i, body := range bodies {
		if body == nil { // told already
			continue
		}
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
	err := group.Wait()
	return views, slices.Concat(refused...), err
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

func (a *app) printImport(asJSON bool, summary string, bodies []*instrumentBody, views []instrumentView) error {
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
