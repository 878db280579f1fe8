package planning

import (
	"fmt"

	"marketdata/market"
)

// Field is the part of a request that a Fault is about.
type Field string

// The closed set of fields.
const (
	FieldInstrument Field = "instruments" // the one at Fault.Index
	FieldProvider   Field = "provider"
	FieldInterval   Field = "interval"
	FieldStart      Field = "start"
)

// Fault says what is wrong with one place of a request.
type Fault struct {
	Field   Field
	Index   int // of the instrument it arose for
	Message string
	// IsOutside: the request is sound, but the instrument has no bar in the range (not closed yet, before the listing,
	// after the delisting).
	IsOutside bool
}

// Error is every place of a request that is wrong. Its kind is not_found when an instrument is not known, else invalid.
type Error struct {
	Kind   market.Kind
	Faults []Fault // at least one, in the order of the instruments
}

// Error is the first fault, and how many more there are.
func (e *Error) Error() string {
	text := e.Faults[0].Message
	if more := len(e.Faults) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// Unwrap gives the error its kind.
func (e *Error) Unwrap() error { return &market.Error{Kind: e.Kind, Message: e.Error()} }

// wrong returns an *Error, or nil without any fault.
func wrong(kind market.Kind, faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &Error{Kind: kind, Faults: faults}
}
