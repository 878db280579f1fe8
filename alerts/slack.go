package alerts

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"marketdata/market"
)

// maxSection is how long Slack lets the text of a block be, less what is put around the message.
const maxSection = 2800

type slackMessage struct {
	Text   string       `json:"text"` // for notifications, and for receivers that know no blocks
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// renderSlack is a message of Slack's incoming webhooks, which Mattermost and others take too.
func renderSlack(a market.Alert, event market.AlertEvent, links Links) ([]byte, error) {
	title := mark(a, event) + " *" + escape(titleOf(a, event), maxSection/4) + "*"
	body := escape(messageOf(a, event), maxSection)
	var ends []string
	if links.API != "" {
		ends = append(ends, "<"+escape(links.API, maxSection)+"|API>")
	}
	if links.TemporalUI != "" {
		ends = append(ends, "<"+escape(links.TemporalUI, maxSection)+"|Temporal UI>")
	}
	message := slackMessage{Text: title + "\n" + body, Blocks: []slackBlock{section(title), section(body)}}
	if len(ends) > 0 {
		message.Blocks = append(message.Blocks, section(strings.Join(ends, " · ")))
	}
	return json.Marshal(message)
}

func section(text string) slackBlock { return slackBlock{"section", slackText{"mrkdwn", text}} }

// mark is the emoji that shows an event's weight at a glance.
func mark(a market.Alert, event market.AlertEvent) string {
	if event == market.EventResolved {
		return ":white_check_mark:"
	}
	switch a.Kind.Severity() {
	case "error":
		return ":red_circle:"
	case "warning":
		return ":warning:"
	}
	return ":information_source:"
}

// escape writes a text as Slack wants it, so that nothing in it is a mention or a link, and cuts it to n bytes between
// two characters.
func escape(text string, n int) string {
	const ellipsis = "…"
	var b strings.Builder
	for _, r := range text {
		var written string
		switch r {
		case '&':
			written = "&amp;"
		case '<':
			written = "&lt;"
		case '>':
			written = "&gt;"
		case utf8.RuneError:
			written = "?"
		default:
			written = string(r)
		}
		if b.Len()+len(written) > n-len(ellipsis) {
			return b.String() + ellipsis
		}
		b.WriteString(written)
	}
	return b.String()
}
