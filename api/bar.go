package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
	"marketdata/market/calendar"
)

// errPageFull stops reading at the bar that begins the next page.
var errPageFull = errors.New("page full")

// barsOutput writes the page itself; huma only describes it.
type barsOutput struct {
	Body func(huma.Context)
}

func (s *server) registerBars() {
	register(s, huma.Operation{
		OperationID: "list-bars", Method: http.MethodGet, Path: "/v1/instruments/{id}/bars", Tags: []string{"Bars"},
		Summary: "Read bars",
		Description: "Closed bars of one series with ts in [start, end), at most limit per page. Nothing is left out in silence: " +
			"meta.missing explains every stretch without bars that this page covers, except where the calendar is closed, and meta.complete is " +
			"false where bars may exist that are not stored (never_asked, failed, quarantined). " +
			"confirmed_empty: the provider was asked and has none. forming: not closed yet. before_listing, after_delisting: not traded. " +
			"A range before the listing answers 200 with no bars and the reason. A closed range in which no bar begins answers 422.",
		Errors:    []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": barsResponse(s)},
	}, s.listBars)
}

func (s *server) listBars(ctx context.Context, in *barsInput) (*barsOutput, error) {
	now := s.now().UTC()
	page, err := in.query.page(now)
	if err != nil {
		return nil, err
	}
	series, err := s.series(ctx, page)
	if err != nil {
		return nil, err
	}
	grid, err := s.gridOf(series)
	if err != nil {
		return nil, err
	}
	closed := grid.ClosedBefore(now, s.settle(series.Provider))
	if grid.Calendar.IsContinuous() && !page.wanted.End.After(closed) && !grid.Ceil(page.wanted.Start).Before(page.wanted.End) {
		return nil, invalidAt("query.start", "no %s bar begins in the range; the next one begins at %s",
			series.Interval, market.FormatTime(grid.Ceil(page.wanted.Start)))
	}
	buf := s.buffers.get()
	writer := &barWriter{buf: append((*buf)[:0], `{"data":[`...), isQuoted: page.isQuoted}
	meta, err := s.readPage(ctx, page, series, newExplainer(grid, series, closed), writer)
	*buf = writer.buf
	if err != nil {
		s.buffers.put(buf)
		return nil, err
	}
	writer.finish(meta)
	*buf = writer.buf
	return &barsOutput{Body: func(ctx huma.Context) {
		defer s.buffers.put(buf)
		ctx.SetHeader("Content-Type", "application/json")
		ctx.SetStatus(http.StatusOK)
		_ = writeWhole(ctx.BodyWriter(), *buf) // the client has gone; nobody is left to tell
	}}, nil
}

// series finds the series the page reads. Errors: not_found for the instrument; invalid for a provider it does not
// list and for an adjustment that is not there.
func (s *server) series(ctx context.Context, page barPage) (market.Series, error) {
	series, err := s.store.Series(ctx, page.id, page.interval, page.whose, widen(page.interval, page.stretch))
	if market.KindOf(err) == market.KindNotFound && page.whose != "" {
		instrument, errInstrument := s.store.Instrument(ctx, page.id)
		if errInstrument != nil {
			return series, errInstrument
		}
		location := "query.provider"
		if page.isPinned {
			location = "query.cursor"
		}
		return series, invalidAt(location, "the instrument does not list this provider; it lists %s", listedProviders(instrument))
	}
	if err != nil {
		return series, err
	}
	if instance, isKnown := s.providers.find(series.Provider); series.ID == 0 && isKnown {
		series.PriceBasis = instance.Capabilities.PriceBasis // nothing is stored yet: what the provider declares
	}
	if page.adjustment != "" && page.adjustment != series.PriceBasis {
		return series, invalidAt("query.adjustment", "the series of %s is available as %s only", series.Provider, series.PriceBasis)
	}
	return series, nil
}

// widen makes a range hold the whole of the last bar that begins in it, so that coverage which is clipped to the range
// is not clipped inside that bar. Bars that are anchored at a session's open reach one step further.
func widen(interval market.Interval, r market.Range) market.Range {
	return market.Range{Start: r.Start, End: interval.Next(interval.Next(r.End))}
}

// gridOf returns where the bars of a series stand.
func (s *server) gridOf(series market.Series) (market.Grid, error) {
	grid, err := calendar.GridOf(series.Interval, series.Calendar)
	if err != nil { // stored by a newer build
		return market.Grid{}, market.Errorf(market.KindInternal, "%s: %w", series.Instrument, err)
	}
	return grid, nil
}

// settle returns the provider's publishing delay; 0 for one that is configured no longer.
func (s *server) settle(provider string) time.Duration {
	instance, _ := s.providers.find(provider)
	return instance.Capabilities.Settle
}

// readPage appends the bars of the page and explains what is not there.
func (s *server) readPage(ctx context.Context, page barPage, series market.Series, e *explainer, writer *barWriter) (barMeta, error) {
	meta := barMeta{series: series, wanted: page.wanted}
	finder := newHoleFinder(e.grid, page.stretch, page.isDescending)
	var position time.Time
	isFull := false
	readable := market.Range{Start: page.stretch.Start, End: earlier(page.stretch.End, e.closed)}
	if series.ID != 0 && !readable.IsEmpty() {
		err := s.store.Bars(ctx, series.ID, readable, page.limit+1, page.isDescending, func(bar market.RawBar) error {
			if meta.returned == page.limit {
				position, isFull = finder.stopAt(bar.Time), true
				return errPageFull
			}
			finder.see(bar.Time)
			writer.append(bar)
			meta.returned++
			return nil
		})
		if err != nil && !errors.Is(err, errPageFull) {
			return meta, err
		}
	}
	if !isFull {
		finder.finish()
	}
	holes := finder.sorted()
	if ledger := e.ledgerRange(holes); series.ID != 0 && !ledger.IsEmpty() {
		failed, quarantined, err := s.store.Holes(ctx, series.ID, ledger)
		if err != nil {
			return meta, err
		}
		e.setLedger(failed, quarantined)
	}
	for _, hole := range holes {
		e.explain(hole)
	}
	meta.missing, meta.isComplete = e.entries, e.isComplete
	if isFull {
		meta.nextCursor = page.next(series.Provider, position)
	}
	return meta, nil
}

// listedProviders names an instrument's providers for people.
func listedProviders(i market.Instrument) string {
	listed := make(providerSet, len(i.Providers))
	for n, p := range i.Providers {
		listed[n].Name = p.Name
	}
	return listed.names()
}
