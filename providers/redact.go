package providers

import (
	"net/url"
	"strings"
)

// secretWords mark query parameters that carry credentials, whatever their case and wherever in the name they stand.
const secretWords = "key token secret signature password passwd auth crumb session credential"

const redacted = "redacted"

// RedactURL returns the URL without credentials: those of its authority are dropped, and query parameters whose names
// speak of keys, tokens, signatures and the like lose their values. What is no URL is not shown at all.
func RedactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return redacted
	}
	u.User = nil
	u.Fragment, u.RawFragment = "", ""
	if u.RawQuery != "" {
		pairs := strings.Split(u.RawQuery, "&")
		for i, pair := range pairs {
			if name, _, _ := strings.Cut(pair, "="); isSecret(name) {
				pairs[i] = name + "=" + redacted
			}
		}
		u.RawQuery = strings.Join(pairs, "&")
	}
	return u.String()
}

func isSecret(name string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.ToLower(name)
	for _, word := range strings.Fields(secretWords) {
		if strings.Contains(name, word) {
			return true
		}
	}
	return name == "sig" || name == "pwd"
}
