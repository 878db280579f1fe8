package market

import (
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const cronFields = 5

// Cron is a schedule by the clock, in UTC: five fields as in crontab(5), minute, hour, day of month, month, day of week.
// When both days are restricted, a time matches when one of them does. The zero Cron never fires.
type Cron struct {
	spec *cron.SpecSchedule
}

// ParseCron reads five fields separated by spaces; names of months and days, lists, ranges and steps are understood, and
// 7 is Sunday too. Errors: invalid, also for a time that never comes (30 February).
func ParseCron(text string) (Cron, error) {
	fields := strings.Fields(text)
	if len(fields) != cronFields {
		return Cron{}, Errorf(KindInvalid, "not a cron expression: want five fields, minute hour day-of-month month day-of-week, such as \"0 3 * * *\"")
	}
	for _, field := range fields {
		if strings.Contains(field, "+") {
			return Cron{}, Errorf(KindInvalid, "not a cron expression: %s has a sign", field)
		}
		if slices.Contains(strings.Split(field, ","), "") { // the parser would skip it
			return Cron{}, Errorf(KindInvalid, "not a cron expression: %s has an empty place in its list", field)
		}
	}
	fields[4] = sundayAsZero(fields[4])
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := parser.Parse("TZ=UTC " + strings.Join(fields, " "))
	if err != nil {
		return Cron{}, Errorf(KindInvalid, "not a cron expression: a field is not understood or out of range: want minute 0-59, hour 0-23, "+
			"day 1-31, month 1-12 or JAN-DEC, weekday 0-7 or SUN-SAT, and of these *, lists, ranges and steps such as */15")
	}
	spec, isSpec := parsed.(*cron.SpecSchedule)
	if !isSpec {
		return Cron{}, Errorf(KindInvalid, "not a cron expression: want five fields, minute hour day-of-month month day-of-week")
	}
	c := Cron{spec: spec}
	if spec.Next(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Cron{}, Errorf(KindInvalid, "the cron expression never fires: there is no such day")
	}
	return c, nil
}

// sundayAsZero writes a 7 in the day of week as the parser wants it.
func sundayAsZero(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		if part == "7" {
			parts[i] = "0"
		}
		if first, isRange := strings.CutSuffix(part, "-7"); isRange {
			parts[i] = first + "-6,0"
		}
	}
	return strings.Join(parts, ",")
}

// Next returns the first time after t that matches, in UTC; the zero time when there is none.
func (c Cron) Next(t time.Time) time.Time {
	if c.spec == nil {
		return time.Time{}
	}
	return c.spec.Next(t.UTC())
}

// CronField is the values a field of a Cron matches, ascending.
type CronField []int

// CronDays is a Cron without its rule for the two days: every field must match. Cron is their union.
type CronDays struct {
	Minute, Hour, DayOfMonth, Month, DayOfWeek CronField // day of week: 0 is Sunday
}

// Days returns the one or two CronDays that the Cron is made of.
func (c Cron) Days() []CronDays {
	if c.spec == nil {
		return nil
	}
	const star = 1 << 63
	s := c.spec
	all := CronDays{Minute: valuesOf(s.Minute), Hour: valuesOf(s.Hour), DayOfMonth: valuesOf(s.Dom), Month: valuesOf(s.Month), DayOfWeek: valuesOf(s.Dow)}
	if s.Dom&star != 0 || s.Dow&star != 0 {
		return []CronDays{all}
	}
	byMonth, byWeek := all, all
	byMonth.DayOfWeek = valuesOf(1<<7 - 1)
	byWeek.DayOfMonth = valuesOf(1<<32 - 2)
	return []CronDays{byMonth, byWeek}
}

// valuesOf lists the bits that are set, without the highest, which marks a star.
func valuesOf(set uint64) CronField {
	set &^= 1 << 63
	values := make(CronField, 0, bits.OnesCount64(set))
	for ; set != 0; set &= set - 1 {
		values = append(values, bits.TrailingZeros64(set))
	}
	return values
}

// ShortestGap returns the shortest time between two firings, at most an hour.
func (c Cron) ShortestGap() time.Duration {
	if c.spec == nil {
		return time.Hour
	}
	minutes := valuesOf(c.spec.Minute)
	gap := 60
	for i, m := range minutes {
		next := minutes[(i+1)%len(minutes)]
		if step := (next - m + 60) % 60; step > 0 {
			gap = min(gap, step)
		}
	}
	return time.Duration(gap) * time.Minute
}
