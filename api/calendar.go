package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
	"marketdata/market/calendar"
)

// longestSessions bounds one answer: a century of sessions is no question of an application.
const longestSessions = 50 // years

// calendarView is a trading calendar as the API shows it.
type calendarView struct {
	Name       string `json:"name" example:"XNYS" doc:"What instruments name: 24x7, or the MIC of an exchange."`
	Timezone   string `json:"timezone" example:"America/New_York" doc:"IANA name of the time zone of its dates and hours."`
	Open       string `json:"open" example:"09:30" doc:"Regular opening today, on the clock there."`
	Close      string `json:"close" example:"16:00" doc:"Regular close today, on the clock there."`
	BreakStart string `json:"break_start,omitempty" example:"11:30" doc:"Start of the pause at lunch, where there is one."`
	BreakEnd   string `json:"break_end,omitempty" example:"12:30" doc:"End of that pause."`
	KnownSince string `json:"known_since,omitempty" example:"1990-01-01" doc:"Holidays are known from this date on; before it every weekday counts as a session."`
}

// sessionView is one trading day.
type sessionView struct {
	Date       string     `json:"date" example:"2024-07-03" doc:"The exchange's date: its bars of a day carry it as ts, at midnight UTC."`
	Open       time.Time  `json:"open" example:"2024-07-03T13:30:00Z"`
	Close      time.Time  `json:"close" example:"2024-07-03T17:00:00Z"`
	EarlyClose bool       `json:"early_close" example:"true" doc:"Closes earlier than on the days around it."`
	BreakStart *time.Time `json:"break_start,omitempty" example:"2024-07-03T02:30:00Z" doc:"Start of the pause at lunch, where there is one."`
	BreakEnd   *time.Time `json:"break_end,omitempty" example:"2024-07-03T03:30:00Z" doc:"End of that pause."`
}

type calendarList struct {
	Data       []calendarView `json:"data"`
	Meta       listMeta       `json:"meta"`
	NextCursor *string        `json:"next_cursor" doc:"Always null: there is one page."`
}

type sessionList struct {
	Data       []sessionView `json:"data"`
	Meta       sessionMeta   `json:"meta"`
	NextCursor *string       `json:"next_cursor" doc:"Always null: there is one page."`
}

type sessionMeta struct {
	Calendar   string    `json:"calendar" example:"XNYS"`
	Timezone   string    `json:"timezone" example:"America/New_York"`
	Start      time.Time `json:"start" example:"2024-07-01T00:00:00Z"`
	End        time.Time `json:"end" example:"2024-07-08T00:00:00Z"`
	KnownSince string    `json:"known_since,omitempty" example:"1990-01-01" doc:"Before it every weekday counts as a session."`
	Returned   int       `json:"returned" example:"4" doc:"Sessions in the range."`
}

type (
	sessionsInput struct {
		Name  string `path:"name" maxLength:"16" example:"XNYS" doc:"Name of the calendar, without case."`
		Start string `query:"start" required:"true" maxLength:"64" example:"2024-07-01" doc:"First date of the range: RFC 3339, or a date."`
		End   string `query:"end" maxLength:"64" example:"2024-07-08" doc:"End of the range, not in it. Defaults to a year after start; at most 50 years after it."`

		dates market.Range
	}
	calendarListOutput struct{ Body calendarList }
	sessionListOutput  struct{ Body sessionList }
)

var _ huma.Resolver = (*sessionsInput)(nil)

// Resolve reads the range of dates.
func (in *sessionsInput) Resolve(huma.Context) []error {
	var faults bodyFaults
	start, errStart := market.ParseTime(in.Start)
	if errStart != nil && in.Start != "" {
		faults.add("query.start", "%s", errStart)
	}
	last := time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC) // a session of this date may close in a year that cannot be written
	end := earlier(start.AddDate(1, 0, 0), last)
	if in.End != "" {
		var err error
		if end, err = market.ParseTime(in.End); err != nil {
			faults.add("query.end", "%s", err)
		}
	}
	if len(faults) > 0 || errStart != nil {
		return faults
	}
	var err error
	in.dates, err = market.NewRange(start, end)
	switch {
	case err != nil:
		faults.add("query.start", "%s", err)
	case end.After(start.AddDate(longestSessions, 0, 0)):
		faults.add("query.end", "at most %d years after start", longestSessions)
	case end.After(last):
		faults.add("query.end", "at most %s", market.FormatTime(last))
	}
	return faults
}

func (s *server) registerCalendars() {
	tags := []string{"Calendars"}
	register(s, huma.Operation{
		OperationID: "list-calendars", Method: http.MethodGet, Path: "/v1/calendars", Tags: tags,
		Summary: "List trading calendars", Description: "The calendars that instruments can name.",
	}, s.listCalendars)
	register(s, huma.Operation{
		OperationID: "list-sessions", Method: http.MethodGet, Path: "/v1/calendars/{name}/sessions", Tags: tags,
		Summary: "List the sessions of a calendar",
		Description: "One entry per exchange date in [start, end) on which the market is open, with the instants at which it opens and closes. " +
			"Closed days are absent.",
		Errors: []int{http.StatusNotFound},
	}, s.listSessions)
}

func (s *server) listCalendars(context.Context, *struct{}) (*calendarListOutput, error) {
	out := &calendarListOutput{}
	for _, name := range calendar.Names() {
		info, err := calendar.Describe(name)
		if err != nil {
			return nil, market.Errorf(market.KindInternal, "%w", err)
		}
		out.Body.Data = append(out.Body.Data, viewCalendar(info))
	}
	out.Body.Meta.Returned = len(out.Body.Data)
	return out, nil
}

func (s *server) listSessions(_ context.Context, in *sessionsInput) (*sessionListOutput, error) {
	c, err := calendar.ByName(strings.ToUpper(in.Name))
	if err != nil {
		c, err = calendar.ByName(strings.ToLower(in.Name)) // 24x7
	}
	if err != nil {
		return nil, market.Errorf(market.KindNotFound, "there is no such calendar; known: %s", strings.Join(calendar.Names(), " "))
	}
	info, err := calendar.Describe(c.Name())
	if err != nil {
		return nil, market.Errorf(market.KindInternal, "%w", err)
	}
	sessions := market.Sessions(c, in.dates)
	out := &sessionListOutput{Body: sessionList{
		Data: make([]sessionView, len(sessions)),
		Meta: sessionMeta{
			Calendar: c.Name(), Timezone: c.Location().String(), Start: in.dates.Start, End: in.dates.End, Returned: len(sessions),
			KnownSince: viewCalendar(info).KnownSince,
		},
	}}
	for i, session := range sessions {
		out.Body.Data[i] = viewSession(session)
	}
	return out, nil
}

func viewCalendar(info calendar.Info) calendarView {
	v := calendarView{Name: info.Name, Timezone: info.Location.String(), Open: clock(info.Open), Close: clock(info.Close)}
	if info.BreakEnd > 0 {
		v.BreakStart, v.BreakEnd = clock(info.BreakStart), clock(info.BreakEnd)
	}
	if !info.KnownSince.IsZero() {
		v.KnownSince = info.KnownSince.Format(time.DateOnly)
	}
	return v
}

// clock writes a time of day as a clock shows it, midnight at the end of the day as 24:00.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", d/time.Hour, d%time.Hour/time.Minute)
}

func viewSession(s market.Session) sessionView {
	v := sessionView{Date: s.Date.Format(time.DateOnly), Open: s.Open.UTC(), Close: s.Close.UTC(), EarlyClose: s.IsEarlyClose}
	if s.HasBreak() {
		v.BreakStart, v.BreakEnd = utcOrNil(&s.BreakStart), utcOrNil(&s.BreakEnd)
	}
	return v
}
