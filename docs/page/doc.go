// Package page reads a Markdown page of this project as its tests need it: headings with the anchors that GitHub gives
// them, links, what stands between backticks, fenced blocks, the commands of blocks for a shell and the statements of blocks
// of SQL. It knows nothing of what a command does, and nothing but tests imports it.
//
// page.go takes a page apart, shell.go its commands, sql.go its statements.
package page
