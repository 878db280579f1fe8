package providers

import (
	"net/url"
	"strings"

	"marketdata/market"
)

// Base returns the instance's base URL, or the adapter's own where none is configured, without a slash at its end.
// Errors: invalid when it is not an http or https URL to which a path can be added, or holds a credential.
func (i Instance) Base(adapters string) (string, error) {
	base := i.BaseURL
	if base == "" {
		base = adapters
	}
	u, err := url.Parse(base)
	isPlain := err == nil && u.User == nil && u.RawQuery == "" && u.Fragment == "" && u.Opaque == ""
	if !isPlain || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", market.Errorf(market.KindInvalid, "base_url: want http(s)://host, as in %s", adapters)
	}
	return strings.TrimRight(base, "/"), nil
}
