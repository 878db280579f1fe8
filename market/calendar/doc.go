// Package calendar knows the trading calendars of exchanges by name: their sessions with holidays, early closes, lunch
// breaks and unscheduled closures. Rules come from github.com/rickar/cal/v2 where it knows them; what happened once is
// data, with its source.
//
//	nyse, err := calendar.ByName("XNYS")
//	session, isOpen := nyse.Session(date)
//
// A calendar knows its holidays from a date on (Info.KnownSince). Before it every weekday is a session of regular hours,
// because a day taken for a session merely turns out to be empty, while a session taken for a holiday would refuse bars
// that are real. For the same reason a session is given its regular hours where trading was held up only for a while.
// After what is known today the rules go on as they stand; holidays by the Chinese calendar end with their table.
//
// Sessions were compared day for day with the tables of github.com/gerrymanoim/exchange_calendars (commit 5308ce2) from
// the first known year (Tokyo from 2000) to the end of each table. They differ where a file here says so: hours that held
// for a time in Xetra, Tokyo and Hong Kong, two days of bad weather in Hong Kong, three short sessions in New York.
//
// Time zone data are compiled in. The package does no I/O and has no clock.
package calendar
