// Package calendar knows the trading calendars of exchanges by name: their sessions with holidays, early closes, lunch
// breaks and unscheduled closures. Rules come from github.com/rickar/cal/v2 where it knows them; what happened once is
// data, with its source.
//
//	nyse, err := calendar.ByName("XNYS")
//	session, isOpen := nyse.Session(date)
package calendar
