package yahoo

import (
	"context"
	"net/url"

	"github.com/tidwall/gjson"

	"marketdata/market"
	"marketdata/providers"
)

// Listing returns what a symbol is and since when there are bars of it: the instant that Yahoo stamps its first
// daily bar with, zero where Yahoo does not know it. The currency is as sent: some prices are in hundredths of one, which Yahoo calls GBp, ZAc or ILA.
func (c *Client) Listing(ctx context.Context, symbol, _ string) (l providers.Listing, next string, err error) {
	answer, err := c.get(ctx, symbol, url.Values{"interval": {"1d"}, "range": {"1d"}})
	if err != nil {
		return l, "", err
	}
	result, err := c.result(answer, market.Interval1d)
	if err != nil {
		return l, "", err
	}
	l.Symbol = symbol
	if !result.Exists() { // known, but without data
		return l, "", nil
	}
	err = readListing(result, &l)
	return l, "", err
}

// readListing reads the meta object of chart.result[0]. Errors: malformed.
func readListing(result gjson.Result, l *providers.Listing) error {
	meta, _, err := readMeta(result)
	if err != nil {
		return err
	}
	var class, short string
	for _, text := range [...]struct {
		name string
		into *string
	}{{"instrumentType", &class}, {"currency", &l.Currency}, {"longName", &l.Name}, {"shortName", &short}} {
		v, err := optional(meta, metaPath+"."+text.name, text.name, aString)
		if err != nil {
			return err
		}
		*text.into = providers.Printable(v.String())
	}
	l.AssetClass = assetClass(class)
	if l.Name == "" {
		l.Name = short
	}
	const path = metaPath + ".firstTradeDate"
	first, err := optional(meta, path, "firstTradeDate", aNumber)
	if err != nil || !first.Exists() {
		return err
	}
	at, ok := parseStamp(first.Raw)
	if !ok {
		return market.Errorf(market.KindMalformed, "%s is %s, want epoch seconds", path, providers.Printable(first.Raw))
	}
	l.ListedAt = at
	return nil
}

// assetClass returns what an instrumentType is; "" for one that is none of ours.
func assetClass(instrumentType string) market.AssetClass {
	switch instrumentType {
	case "EQUITY":
		return market.AssetEquity
	case "ETF":
		return market.AssetETF
	case "INDEX":
		return market.AssetIndex
	case "MUTUALFUND":
		return market.AssetFund
	case "CURRENCY":
		return market.AssetFX
	case "FUTURE":
		return market.AssetFuture
	case "CRYPTOCURRENCY":
		return market.AssetCrypto
	}
	return ""
}
