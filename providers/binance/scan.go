package binance

import (
	"bytes"
	"encoding/json"
	"strings"

	"marketdata/market"
)

// eachRow calls visit with every row of a JSON array of arrays: its text, its first elements as they are written, and
// how many elements it has. All texts are parts of one copy of the body; the array of elements is used anew for every
// row. Errors: malformed when the body is anything else, then possibly after some rows were visited.
func eachRow(body []byte, visit func(row string, fields *[columns]string, count int)) error {
	// The scanner below relies on the JSON being valid.
	if !json.Valid(body) {
		if text := bytes.TrimSpace(body); len(text) > 0 && text[0] == '<' {
			return market.Errorf(market.KindMalformed, "HTML of %d bytes where klines are due", len(body))
		}
		return market.Errorf(market.KindMalformed, "klines of %d bytes are not complete JSON", len(body))
	}
	text := string(body)
	at := skipSpace(text, 0)
	if text[at] != '[' {
		return market.Errorf(market.KindMalformed, "klines of %d bytes are not a JSON array", len(body))
	}
	var fields [columns]string
	for at = skipSpace(text, at+1); text[at] != ']'; at = skipSpace(text, at) {
		if text[at] == ',' {
			at = skipSpace(text, at+1)
		}
		if text[at] != '[' {
			return market.Errorf(market.KindMalformed, "an element of the klines at byte %d is not an array", at)
		}
		start := at
		var count int
		count, at = splitRow(text, at, &fields)
		visit(text[start:at], &fields, count)
	}
	return nil
}

// splitRow splits the array that begins at text[at] of valid JSON and returns its length and where it ends. Fields
// that it does not have become "".
func splitRow(text string, at int, fields *[columns]string) (count, end int) {
	clear(fields[:])
	for at = skipSpace(text, at+1); text[at] != ']'; at = skipSpace(text, at) {
		if text[at] == ',' {
			at = skipSpace(text, at+1)
		}
		end := skipValue(text, at)
		if count < columns {
			fields[count] = text[at:end]
		}
		count++
		at = end
	}
	return count, at + 1
}

// skipValue returns where the value that begins at text[at] of valid JSON ends.
func skipValue(text string, at int) int {
	switch text[at] {
	case '"':
		return skipString(text, at)
	case '[', '{':
		return skipNested(text, at)
	}
	for !isDelimiter(text[at]) {
		at++
	}
	return at
}

func skipString(text string, at int) int {
	for at++; ; at++ {
		at += strings.IndexByte(text[at:], '"')
		slashes := 0
		for text[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return at + 1
		}
	}
}

func skipNested(text string, at int) int {
	for depth := 0; ; {
		switch text[at] {
		case '"':
			at = skipString(text, at)
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		at++
		if depth == 0 {
			return at
		}
	}
}

func skipSpace(text string, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	return at
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func isDelimiter(c byte) bool { return c == ',' || c == ']' || c == '}' || isSpace(c) }
