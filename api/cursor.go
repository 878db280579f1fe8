package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

const (
	cursorVersion   = 1
	cursorSumLength = 10
	cursorSeparator = "\n" // in no position: they are times, ids and names
)

// cursorQuery is what a cursor belongs to: the kind of list and every parameter that decides what is in it.
type cursorQuery []string

// sum binds a position to the query. It tells accidents and other queries apart; it is no secret, and a position is
// checked against the query's range again when it is used.
func (q cursorQuery) sum(position string) []byte {
	hash := sha256.New()
	for _, part := range append(q[:len(q):len(q)], position) {
		hash.Write(binary.AppendUvarint(nil, uint64(len(part))))
		hash.Write([]byte(part))
	}
	return hash.Sum(nil)[:cursorSumLength]
}

// encode returns the opaque cursor of a position, which is one or more strings without line breaks.
func (q cursorQuery) encode(fields ...string) string {
	position := strings.Join(fields, cursorSeparator)
	raw := append([]byte{cursorVersion}, q.sum(position)...)
	return base64.RawURLEncoding.EncodeToString(append(raw, position...))
}

// decode returns the position of a cursor of the same query, in the given number of fields. Errors: invalid at
// query.cursor.
func (q cursorQuery) decode(cursor string, fields int) ([]string, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < 1+cursorSumLength || raw[0] != cursorVersion {
		return nil, invalidAt("query.cursor", "not a cursor of this API: pass next_cursor as it came")
	}
	position := string(raw[1+cursorSumLength:])
	if subtle.ConstantTimeCompare(raw[1:1+cursorSumLength], q.sum(position)) != 1 {
		return nil, invalidAt("query.cursor", "the cursor belongs to another query, or was changed: repeat the query it came from")
	}
	parts := strings.Split(position, cursorSeparator)
	if len(parts) != fields {
		return nil, invalidAt("query.cursor", "not a cursor of this API: pass next_cursor as it came")
	}
	return parts, nil
}

// listMeta is the meta member of lists other than bars.
type listMeta struct {
	Returned int `json:"returned" example:"1" doc:"Items on this page."`
}
