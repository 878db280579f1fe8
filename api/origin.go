package api

import (
	"net/http"

	"marketdata/market"
)

// refuseForeign refuses requests that change something and that a browser sends for a page of another origin. The API
// asks nobody for a password, so without it any page that an operator looks at could start or cancel backfills on his
// machine. Browsers say where a request comes from (Sec-Fetch-Site, or Origin against Host); what says nothing is no
// browser, and passes: curl, scripts, the command line.
func (s *server) refuseForeign(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if guard.Check(r) != nil {
			w.Header().Set("Connection", "close") // the body has not been read
			s.writeProblem(w, s.newProblem(r.Context(), market.KindDenied, 0,
				"the request changes something and comes from a page of another origin; only pages of the API's own may send it"))
			return
		}
		next.ServeHTTP(w, r)
	})
}
