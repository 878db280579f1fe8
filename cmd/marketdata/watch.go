package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"marketdata/market"
)

const (
	watchPoll     = time.Second
	watchPatience = time.Minute // how long the API may fail to answer
	lineEvery     = 5 * time.Second
)

func newBackfillWatch(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "watch ID",
		Short:   "Follow a backfill until it is finished",
		Long:    "Follow a backfill until it is finished. The exit code is 0 only when it completed without gaps.",
		Example: "  marketdata backfill watch 0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			api, asJSON, err := a.openForOutput(c)
			if err != nil {
				return err
			}
			return a.watchAndPrint(c, api, args[0], asJSON)
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

// watchAndPrint follows a backfill with progress on standard error, and prints what came of it.
func (a *app) watchAndPrint(c *cobra.Command, api *apiClient, id string, asJSON bool) error {
	b, answer, err := watch(c.Context(), api, id, a.newProgress(a.stderr))
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(a.stdout, answer)
	} else {
		_, err = fmt.Fprintf(a.stdout, "%s %s: %s, %s\n", b.ID, b.Status, describe(b), barText(b))
	}
	if err != nil {
		return err
	}
	return outcome(b)
}

// outcome is nil for a backfill that did what was asked, else an error that says what it did not.
func outcome(b backfillView) error {
	switch b.Status {
	case market.StatusCompleted:
		return nil
	case market.StatusCompletedWithGaps:
		return fmt.Errorf("backfill %s completed with gaps: %d rows broke a rule and were quarantined", b.ID, b.Progress.Bars.Quarantined)
	case market.StatusFailed:
		why := ""
		if len(b.Failures) > 0 {
			f := b.Failures[0]
			why = fmt.Sprintf("; the first: %s %s to %s: %s: %s", f.Instrument, dateText(f.Start), dateText(f.End), f.Kind, f.Message)
		}
		return fmt.Errorf("backfill %s failed: %d of %d chunks%s", b.ID, b.Progress.Chunks.Failed, b.Progress.Chunks.Total, why)
	case market.StatusStarting, market.StatusRunning, market.StatusPaused, market.StatusCanceled:
		return fmt.Errorf("backfill %s is %s", b.ID, b.Status)
	}
	return fmt.Errorf("backfill %s has the unknown status %s", b.ID, b.Status)
}

// watch asks for a backfill until it is finished. While the API is away it goes on asking for a minute.
func watch(ctx context.Context, api *apiClient, id string, show progress) (backfillView, json.RawMessage, error) {
	defer show.end()
	ticker := time.NewTicker(watchPoll)
	defer ticker.Stop()
	for patience := watchPatience; ; {
		var b backfillView
		answer, err := api.get(ctx, backfillPath(id), nil, &b)
		switch {
		case err == nil:
			patience = watchPatience
			show.update(b)
			if b.Status.IsFinished() {
				return b, answer, nil
			}
		case !isPassing(err) || patience <= 0:
			return b, nil, err
		}
		select {
		case <-ctx.Done():
			return b, nil, ctx.Err()
		case <-ticker.C:
			patience -= watchPoll
		}
	}
}

// isPassing reports whether asking again may help.
func isPassing(err error) bool {
	var unreachable *unreachableError
	var problem *problemError
	return errors.As(err, &unreachable) || errors.As(err, &problem) && problem.Status == http.StatusServiceUnavailable
}

// progress shows how a backfill gets on.
type progress interface {
	update(b backfillView)
	end()
}

// newProgress shows a bar to people and plain lines to logs.
func (a *app) newProgress(w io.Writer) progress {
	if a.isTerminal {
		return &barProgress{out: w}
	}
	return &lineProgress{out: w, now: a.now}
}

// barProgress redraws one line.
type barProgress struct {
	out io.Writer
	bar *progressbar.ProgressBar
}

func (p *barProgress) update(b backfillView) {
	const full = 1000
	if p.bar == nil {
		p.bar = progressbar.NewOptions(full,
			progressbar.OptionSetWriter(p.out), progressbar.OptionSetWidth(30), progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false),
			progressbar.OptionUseANSICodes(true), progressbar.OptionOnCompletion(func() { _, _ = fmt.Fprintln(p.out) }))
	}
	p.bar.Describe(printable(title(b) + ", " + barText(b) + etaText(b)))
	_ = p.bar.Set(int(b.Progress.Percent * full / 100))
}

func (p *barProgress) end() {
	if p.bar != nil && !p.bar.IsFinished() {
		_, _ = fmt.Fprintln(p.out)
	}
}

// lineProgress prints a line when a chunk is done or the status changes, but rarely.
type lineProgress struct {
	out    io.Writer
	now    func() time.Time
	last   string
	status market.BackfillStatus
	at     time.Time
}

func (p *lineProgress) update(b backfillView) {
	line := fmt.Sprintf("%s: %s, %s, %d of %d chunks, %s%s", title(b), b.Status, percentText(b), b.Progress.Chunks.Done, b.Progress.Chunks.Total, barText(b), etaText(b))
	isDue := b.Status != p.status || p.now().Sub(p.at) >= lineEvery
	if line == p.last || !isDue {
		return
	}
	p.last, p.status, p.at = line, b.Status, p.now()
	_, _ = fmt.Fprintln(p.out, printable(line))
}

func (p *lineProgress) end() {}

func title(b backfillView) string { return seriesText(b) + " " + b.Interval }

func barText(b backfillView) string {
	bars := b.Progress.Bars
	return fmt.Sprintf("%d bars", bars.Inserted+bars.Restated+bars.Unchanged)
}
