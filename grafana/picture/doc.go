// Package picture draws dashboards as SVG from the answers of their own queries, in Grafana's dark colours: for the
// documentation, and so that a change of a panel is seen in a review. It draws the kinds of panels that the dashboards have,
// with their units, thresholds, mappings and legends, and knows nothing of databases.
//
//	svg := picture.Draw(board, picture.Context{From: from, To: to}, answers)
//
// It is an illustration, not a copy of Grafana: what people may click is not there.
package picture
