package api

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"marketdata/market"
)

// refuseForeign refuses requests that change something and that a browser sends for a page of another origin. The API
// asks nobody for a password, so without it any page that an operator looks at could start or cancel backfills on his
// machine. Browsers say where a request comes from (Sec-Fetch-Site, or Origin against Host); what says nothing is no
// browser, and passes: curl, scripts, the command line. A page may have its own name lead to this machine, and is then
// of the same origin as the API: so a browser must ask by a name that no page can choose.
func (s *server) refuseForeign(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refusal := ""
		switch {
		case guard.Check(r) != nil:
			refusal = "the request changes something and comes from a page of another origin; only pages of the API's own may send it"
		case changes(r) && isBrowsers(r) && !s.isOwnName(r.Host):
			refusal = "the request changes something and comes from a page by a name that is not the API's: use an IP address, localhost, or the host of api.url"
		}
		if refusal != "" {
			w.Header().Set("Connection", "close") // the body has not been read
			s.writeProblem(w, s.newProblem(r.Context(), market.KindDenied, 0, refusal))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

func isBrowsers(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}

// isOwnName reports whether no stranger can have the name of a request's Host lead here.
func (s *server) isOwnName(host string) bool {
	u := url.URL{Host: host}
	name := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return net.ParseIP(name) != nil || name == "localhost" || strings.HasSuffix(name, ".localhost") || name != "" && name == s.host
}

// hostOf returns the name of a URL's host in lower case, "" where it has none.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
