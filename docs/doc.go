// Package docs is the documentation, and the tests that hold it to what it says. It has no code but tests.
//
// Every page is taken apart by docs/page. link_test.go follows links, name_test.go looks up what stands between
// backticks, and shell_test.go runs every command of every block for a shell against a stack of its own (stack_test.go)
// that the simulator feeds; sandbox_test.go says what stands for the names and addresses that pages use, check_test.go
// looks at what cannot be run in a test, and elsewhere_test.go lists what other tests run. sql_test.go runs the SQL of the
// pages in the database of that stack.
package docs
