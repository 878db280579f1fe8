package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Secrets of a configuration, each unlike anything else that could stand in a log.
const (
	secretKey      = "kEy0f4pr0vider"
	secretPath     = "pathT0ken4ops"
	secretQuery    = "queryT0ken4ops"
	secretSign     = "signatureKey4ops"
	secretRefused  = "t0ken0fN0body"
	secretPassword = "passw0rdThatIsWr0ng"
	secretTypo     = "valueUnderAWr0ngName"
)

// leaks looks for secrets in everything that it is shown.
type leaks struct {
	t       *testing.T
	secrets []string
	seen    int
}

func (l *leaks) look(where string, text []byte) {
	l.t.Helper()
	l.seen++
	at := l.find(text)
	require.Negative(l.t, at, "a secret stands in %s: %.300s", where, text[max(0, at-100):])
}

// find returns where a secret stands, as it is or in the ways in which PostgreSQL, JSON and URLs write bytes; -1 where none does.
func (l *leaks) find(text []byte) int {
	for _, secret := range l.secrets {
		for _, written := range []string{
			secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)], strings.ToLower(secret),
		} {
			if at := bytes.Index(text, []byte(written)); at >= 0 {
				return at
			}
		}
	}
	return -1
}

func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	l := &leaks{t: t, secrets: []string{secretKey, secretSign}}
	require.Equal(t, -1, l.find([]byte("GET /?key=redacted")))
	require.Equal(t, 7, l.find([]byte("/?key= "+secretSign)))
	require.Equal(t, 2, l.find([]byte(`\x`+hex.EncodeToString([]byte(secretKey)))))
	require.Equal(t, 1, l.find([]byte(`"`+base64.StdEncoding.EncodeToString([]byte(secretKey))+`"`)))
}
