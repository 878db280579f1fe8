package providers

import (
	"bytes"
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// leastSecret is how long a credential is at least; anything shorter would be found in prices.
const leastSecret = 6

// credentials returns what a request carries of them: values of its URL and of its headers whose names speak of keys, as
// they are and as URLs write them, the longest first.
func credentials(rawURL string, headers []Header) []string {
	var all []string
	add := func(value string) {
		for _, written := range []string{value, url.QueryEscape(value), url.PathEscape(value)} {
			if len(written) >= leastSecret {
				all = append(all, written)
			}
		}
	}
	for _, h := range headers {
		if isSecret(h.Name) || strings.EqualFold(h.Name, "Cookie") {
			add(h.Value)
			if _, token, hasScheme := strings.Cut(h.Value, " "); hasScheme { // as Bearer
				add(token)
			}
		}
	}
	if u, err := url.Parse(rawURL); err == nil {
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if plain, err := url.QueryUnescape(value); err == nil && isSecret(name) {
				add(plain)
			}
		}
		if password, has := u.User.Password(); has {
			add(password)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// withoutEcho takes credentials out of an answer that repeats what it was asked with: its body is stored, and parts of it
// stand in errors.
func (r *Response) withoutEcho(secrets []string) {
	for _, secret := range secrets {
		r.Body = bytes.ReplaceAll(r.Body, []byte(secret), []byte(redacted))
		for name, values := range r.Header {
			if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, secret) }) {
				r.Header[name] = replaced(values, secret)
			}
		}
	}
}

func replaced(values []string, secret string) []string {
	all := make([]string, len(values))
	for at, value := range values {
		all[at] = strings.ReplaceAll(value, secret, redacted)
	}
	return all
}
