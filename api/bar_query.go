package api

import (
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

// barsInput is the query of GET /v1/instruments/{id}/bars. Resolve reads it into query.
type barsInput struct {
	ID         string `path:"id" example:"BTCUSDT.BINANCE" doc:"SYMBOL.VENUE, without case."`
	Interval   string `query:"interval" required:"true" enum:"1m,5m,15m,30m,1h,4h,1d,1w,1mo" example:"1d" doc:"Length of the bars."`
	Start      string `query:"start" required:"true" maxLength:"64" example:"2024-01-01" doc:"First instant of the range: RFC 3339, or a date (midnight UTC). Bars are in the range by their ts."`
	End        string `query:"end" maxLength:"64" example:"2024-02-01" doc:"End of the range, not in it. Defaults to now, fixed for all pages by the first."`
	Limit      int    `query:"limit" default:"1000" minimum:"1" maximum:"10000" doc:"Bars per page."`
	Cursor     string `query:"cursor" maxLength:"1024" doc:"next_cursor of the page before; everything but limit and numbers must be as it was there."`
	Order      string `query:"order" default:"asc" enum:"asc,desc" doc:"By ts."`
	Provider   string `query:"provider" maxLength:"64" example:"binance" doc:"Whose bars. Defaults to the first of the instrument's providers that has any coverage of the interval."`
	Adjustment string `query:"adjustment" enum:"raw,split,total" example:"raw" doc:"Corporate actions applied. Defaults to, and must be, the basis on which the series is stored."`
	Numbers    string `query:"numbers" default:"number" enum:"number,string" doc:"string quotes prices and volumes."`

	query barQuery
}

// barQuery is a checked query of bars. A zero end means now.
type barQuery struct {
	id           market.InstrumentID
	interval     market.Interval
	start, end   time.Time
	limit        int
	isDescending bool
	provider     string
	adjustment   market.Adjustment
	isQuoted     bool
	cursor       string
}

var _ huma.Resolver = (*barsInput)(nil)

// Resolve reads what the tags cannot: the id and the times.
func (in *barsInput) Resolve(huma.Context) []error {
	var faults bodyFaults
	q := barQuery{
		interval: market.Interval(in.Interval), limit: in.Limit, isDescending: in.Order == "desc", provider: in.Provider,
		adjustment: market.Adjustment(in.Adjustment), isQuoted: in.Numbers == "string", cursor: in.Cursor,
	}
	var err error
	if q.id, err = market.ParseInstrumentID(in.ID); err != nil {
		faults.add("path.id", "%s", err)
	}
	if in.Start != "" {
		if q.start, err = market.ParseTime(in.Start); err != nil {
			faults.add("query.start", "%s", err)
		}
	}
	if in.End != "" {
		if q.end, err = market.ParseTime(in.End); err != nil {
			faults.add("query.end", "%s", err)
		}
	}
	in.query = q
	return faults
}

// cursorQuery returns what a cursor of the query is bound to.
func (q barQuery) cursorQuery() cursorQuery {
	end := ""
	if !q.end.IsZero() {
		end = market.FormatTime(q.end)
	}
	return cursorQuery{
		"bars", q.id.String(), string(q.interval), market.FormatTime(q.start), end,
		strconv.FormatBool(q.isDescending), string(q.adjustment), q.provider,
	}
}

// barPage is a page to read: the query, and where the page is in it.
type barPage struct {
	barQuery
	wanted   market.Range // the whole range, as asked or as the first page fixed it
	stretch  market.Range // what is left of it for this page and those after it
	whose    string       // provider to read: the one asked for, or the first page's
	isPinned bool         // whose comes from a cursor
}

// page resolves now and the cursor. Errors: invalid.
func (q barQuery) page(now time.Time) (barPage, error) {
	p := barPage{barQuery: q, whose: q.provider}
	if !q.start.Before(now) {
		return p, invalidAt("query.start", "the range lies in the future: start must be before now, %s", market.FormatTime(now))
	}
	end := q.end
	if end.IsZero() {
		end = now.UTC().Truncate(time.Second)
	}
	if q.cursor == "" {
		wanted, err := market.NewRange(q.start, end)
		if err != nil {
			return p, invalidAt("query.start", "%s", err)
		}
		p.wanted, p.stretch = wanted, wanted
		return p, nil
	}
	fields, err := q.cursorQuery().decode(q.cursor, 3)
	if err != nil {
		return p, err
	}
	fixedEnd, errEnd := market.ParseTime(fields[1])
	position, errPosition := market.ParseTime(fields[2])
	p.whose, p.isPinned = fields[0], true
	p.wanted = market.Range{Start: q.start, End: fixedEnd}
	p.stretch = market.Range{Start: position, End: fixedEnd}
	if q.isDescending {
		p.stretch = market.Range{Start: q.start, End: position}
	}
	if errEnd != nil || errPosition != nil || p.stretch.IsEmpty() || p.stretch.Start.Before(q.start) || p.stretch.End.After(fixedEnd) {
		return p, invalidAt("query.cursor", "not a cursor of this API: pass next_cursor as it came")
	}
	return p, nil
}

// next returns the cursor of the page that continues at position.
func (p barPage) next(provider string, position time.Time) string {
	return p.cursorQuery().encode(provider, market.FormatTime(p.wanted.End), market.FormatTime(position))
}
