// Package page reads a Markdown page of this project as its tests need it: headings with the anchors that GitHub gives
// them, links, what stands between backticks, fenced blocks, and the commands of blocks for a shell. It knows nothing of
// what a command does, and nothing but tests imports it.
//
// page.go takes a page apart, shell.go its commands.
package page
