package api

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

// The types here describe pages of bars in the OpenAPI document; barWriter writes them.
type (
	barList struct {
		Data       []barView   `json:"data" doc:"Ordered by ts, as asked."`
		Meta       barListMeta `json:"meta"`
		NextCursor *string     `json:"next_cursor" doc:"null on the last page."`
	}
	barView struct {
		TS       time.Time `json:"ts" example:"2024-01-02T00:00:00Z" doc:"The bar's open in UTC; for 1d and longer its date at midnight UTC."`
		Open     float64   `json:"open" format:"decimal" example:"42283.58" doc:"Exact digits, without exponent; a string with numbers=string. So are the others."`
		High     float64   `json:"high" format:"decimal" example:"45879.63"`
		Low      float64   `json:"low" format:"decimal" example:"42180.77"`
		Close    float64   `json:"close" format:"decimal" example:"44946.91"`
		Volume   float64   `json:"volume,omitempty" format:"decimal" example:"65146.40661" doc:"Absent where the provider does not send it, as are the following."`
		VWAP     float64   `json:"vwap,omitempty" format:"decimal" example:"44025.77" doc:"As sent by the provider."`
		Turnover float64   `json:"turnover,omitempty" format:"decimal" example:"2868150291.1" doc:"In currency."`
		Trades   int64     `json:"trades,omitempty" example:"2096959"`
	}
	barListMeta struct {
		Instrument string            `json:"instrument" example:"BTCUSDT.BINANCE"`
		Provider   string            `json:"provider" example:"binance" doc:"Whose bars these are."`
		Interval   market.Interval   `json:"interval" example:"1d"`
		Adjustment market.Adjustment `json:"adjustment" enum:"raw,split,total" example:"raw"`
		Start      time.Time         `json:"start" example:"2024-01-01T00:00:00Z" doc:"Of the whole range."`
		End        time.Time         `json:"end" example:"2024-02-01T00:00:00Z" doc:"Of the whole range, not in it."`
		Returned   int               `json:"returned" example:"1" doc:"Bars on this page."`
		Complete   bool              `json:"complete" example:"true" doc:"No never_asked, failed or quarantined stretch on this page."`
		Missing    []missingView     `json:"missing" doc:"Stretches without bars that this page covers, ascending."`
	}
	missingView struct {
		Start  time.Time     `json:"start" example:"2024-01-05T00:00:00Z"`
		End    time.Time     `json:"end" example:"2024-01-06T00:00:00Z" doc:"Not in it."`
		Reason market.Reason `json:"reason" enum:"never_asked,confirmed_empty,failed,quarantined,forming,before_listing,after_delisting" example:"confirmed_empty"`
	}
)

// barsResponse describes a page of bars.
func barsResponse(s *server) *huma.Response {
	response := jsonResponse[barList](s, "A page of bars")
	response.Headers = map[string]*huma.Header{
		"Content-Length": {Description: "Always sent, so that a cut answer is noticed.", Schema: &huma.Schema{Type: huma.TypeInteger}},
	}
	return response
}
