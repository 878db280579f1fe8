package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

func addLimit(c *cobra.Command, limit *int) {
	c.Flags().IntVar(limit, "limit", 100, "at most so many (0: all)")
}

// printList reads a list of the API and prints it as --output says.
func printList[T any](a *app, c *cobra.Command, path string, query url.Values, limit int, heading []string, row func(T) []string) error {
	asJSON, err := isJSON(c)
	if err != nil {
		return err
	}
	if limit < 0 {
		return usagef("--limit wants 0 or more")
	}
	api, err := a.openAPI(c)
	if err != nil {
		return err
	}
	entries, err := list(c.Context(), api, path, query, limit)
	if err != nil {
		return err
	}
	if asJSON {
		return writeList(a.stdout, entries)
	}
	views, err := decodeAll[T](entries)
	if err != nil {
		return err
	}
	rows := [][]string{heading}
	for _, v := range views {
		rows = append(rows, row(v))
	}
	if err := writeTable(a.stdout, rows...); err != nil {
		return err
	}
	if limit > 0 && len(entries) == limit {
		_, _ = fmt.Fprintf(a.stderr, "There may be more: --limit %d was reached.\n", limit)
	}
	return nil
}

// printPage reads a list of the API that has one page, and prints it as --output says.
func printPage[T any](a *app, c *cobra.Command, path string, query url.Values, heading []string, row func(T) []string) error {
	api, asJSON, err := a.openForOutput(c)
	if err != nil {
		return err
	}
	var page listPage[T]
	answer, err := api.get(c.Context(), path, query, &page)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.stdout, answer)
	}
	rows := [][]string{heading}
	for _, v := range page.Data {
		rows = append(rows, row(v))
	}
	return writeTable(a.stdout, rows...)
}
