package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/api"
)

// deadlines notes the read deadlines that a handler sets on its connection.
type deadlines struct {
	*httptest.ResponseRecorder

	set []time.Time
}

func (d *deadlines) SetReadDeadline(deadline time.Time) error {
	d.set = append(d.set, deadline)
	return nil
}

// TestBodiesLeaveNoReadDeadline: one that ends while a handler works would cancel the request and all later ones on its
// connection.
func TestBodiesLeaveNoReadDeadline(t *testing.T) {
	t.Parallel()
	body := `{"instruments":["BTCUSDT.BINANCE"],"interval":"1d","start":"2024-01-01","end":"2024-02-01"}`
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/backfills", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	api.New(newWorld().options).ServeHTTP(d, request)
	for _, deadline := range d.set {
		require.True(t, deadline.IsZero(), deadline)
	}
	require.NotEmpty(t, d.set, "the framework says that there is none")
}
