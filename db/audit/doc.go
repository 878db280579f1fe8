// Package audit looks at a database from outside the platform that fills it, over connections of its own: which step each
// chunk is at, what was asked and stored, whether the books balance. It changes nothing.
//
// hold.go can keep a step of one chunk from going on for as long as wanted, by the locks that the step needs.
package audit
