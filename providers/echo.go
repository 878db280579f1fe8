package providers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// leastSecret is how long a credential is at least that is looked for in answers; anything shorter would be found in prices.
const leastSecret = 8

// credentials returns what a request carries of them: values of its URL and of its headers whose names speak of keys, as
// they are and as URLs and JSON write them, the longest first. Digits alone are left out, since times consist of them; so are
// parameters whose names mean other things as well.
func credentials(rawURL string, headers []Header) []string {
	var all []string
	add := func(value string) {
		if len(value) < leastSecret || strings.Trim(value, "0123456789") == "" {
			return
		}
		all = append(all, value, url.QueryEscape(value), url.PathEscape(value))
		if text, err := json.Marshal(value); err == nil {
			inJSON := string(text[1 : len(text)-1]) // without its quotes
			all = append(all, inJSON, strings.ReplaceAll(inJSON, "/", `\/`))
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
			if plain, err := url.QueryUnescape(value); err == nil && isKey(name) {
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
