package providers

import (
	"net/url"
	"strings"
)

// Words mark names of query parameters and headers, whatever their case and wherever in the name they stand. Those of a key
// carry a credential. The others may carry one, or an author, or the session of a market: their values are not shown.
const (
	keyWords    = "key token secret signature password passwd credential"
	secretWords = keyWords + " auth crumb session"
)

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

// isKey reports whether the value of a name is a credential.
func isKey(name string) bool { return isNamed(name, keyWords) }

// isSecret reports whether the value of a name may be a credential.
func isSecret(name string) bool { return isNamed(name, secretWords) }

func isNamed(name, words string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.ToLower(name)
	for _, word := range strings.Fields(words) {
		if strings.Contains(name, word) {
			return true
		}
	}
	return name == "sig" || name == "pwd"
}
