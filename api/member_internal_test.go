package api

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckMembers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{"interval":"1d","instruments":["A.B","A.B"],"a":{"a":1},"b":[{"a":1},{"a":1}]}`: nil,
		`"Text"`: nil, `[]`: nil, `{}`: nil, `null`: nil, ``: nil, `{"A`: nil, `{"interval":`: nil, `]`: nil, `{]`: nil,
		`{"Interval":"1d"}`:                      {"body.Interval"},
		`{"interval":"1d","INTERVAL":"1m"}`:      {"body.INTERVAL"},
		`{"\u0049nterval":"1d"}`:                 {"body.Interval"},
		`{"\u212Aind":1}`:                        {"body.\u212Aind"}, // the Kelvin sign folds to k
		`{"":1}`:                                 {"body."},
		`{"interval":"1d","interval":"1m"}`:      {"body.interval"},
		`{"interval":"1d","in\u0074erval":1}`:    {"body.interval"},
		`{"a":[{"b":1,"b":2},[{"C":{}}]],"a":0}`: {"body.a[0].b", "body.a[1][0].C", "body.a"},
		`{"a":{"b":"b"},"c":"c"}`:                nil,
	} {
		err := checkMembers([]byte(body))
		var got []string
		if err != nil {
			for _, place := range err.(*fault).errors { //nolint:errorlint,forcetypeassert // it returns nothing else
				got = append(got, place.Location)
			}
		}
		require.Equal(t, want, got, body)
	}
}

// FuzzCheckMembers: what passes has no member twice and none with a capital, as encoding/json reads it.
func FuzzCheckMembers(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":1,"b":2},[{"C":{}}]],"a":0}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var members map[string]json.RawMessage
		if checkMembers(body) != nil || json.Unmarshal(body, &members) != nil {
			return
		}
		for name := range members {
			require.Regexp(t, "^[a-z0-9_]+$", name)
		}
	})
}
