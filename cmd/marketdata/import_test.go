package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// write makes a file to import.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "instruments.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

const twoInstruments = `
instruments:
  - {symbol: aapl, venue: XNAS, asset_class: equity, currency: USD, providers: [{name: yahoo, symbol: AAPL}]}
  - symbol: 7203
    venue: XTKS
    asset_class: equity
    currency: JPY
    name: Toyota
    calendar: XTKS
    intervals: [1d]
    providers:
      - {name: yahoo, symbol: 7203.T}
`

func TestInstrumentsImport(t *testing.T) {
	t.Parallel()
	file := write(t, twoInstruments)
	apple := `{"id":"AAPL.XNAS","asset_class":"equity","currency":"USD","calendar":"XNAS","providers":[{"name":"yahoo","symbol":"AAPL"}],"intervals":[]}`
	environ, asked := fakeAPI(t, map[string]string{
		"POST /v1/instruments?dry_run=true": apple, "POST /v1/instruments?skip_listing=true": "201" + apple,
	})
	o := execute(t, environ, "instruments", "import", file)
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stdout, "AAPL.XNAS")
	require.Equal(t, "2 instruments are registered\n", o.stderr)
	require.Len(t, *asked, 4)
	slices.Sort(*asked)
	require.Equal(t, `POST /v1/instruments?dry_run=true {"symbol":"7203","venue":"XTKS","asset_class":"equity","currency":"JPY","name":"Toyota",`+
		`"calendar":"XTKS","providers":[{"name":"yahoo","symbol":"7203.T"}],"intervals":["1d"]}`, (*asked)[0])
	require.Contains(t, (*asked)[2], "skip_listing=true")

	*asked = nil
	o = execute(t, environ, "instruments", "import", "--dry-run", "--output", "json", file)
	require.Zero(t, o.code, o.stderr)
	require.JSONEq(t, `{"imported":0,"instruments":["AAPL.XNAS","7203.XTKS"]}`, o.stdout)
	require.Len(t, *asked, 2, "a dry run only checks")
}

func TestInstrumentsImportTellsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	environ, asked := fakeAPI(t, map[string]string{
		"POST /v1/instruments?dry_run=true": `422{"detail":"not valid","status":422,"errors":[` +
			`{"location":"body.calendar","message":"unknown"},{"location":"body.providers[0].name","message":"no such provider"}]}`,
	})
	file := strings.Replace(twoInstruments, "name: Toyota", "nome: Toyota", 1) + "  - {symbol: aapl, venue: xnas}\n"
	o := execute(t, environ, "instruments", "import", write(t, file))
	require.Equal(t, exitFailure, o.code)
	require.Empty(t, o.stdout)
	for _, line := range []string{
		"8 problems:", "  line 8: field nome not found", "  instruments[2]: AAPL.XNAS is instruments[0] already", "  instruments[0].calendar: unknown", "  instruments[0].providers[0].name: no such provider",
		"  instruments[1].calendar: unknown", "  instruments[1].providers[0].name: no such provider",
	} {
		require.Contains(t, o.stderr, line+"\n")
	}
	require.Len(t, *asked, 3, "nothing is imported")
}

func TestInstrumentsImportRefusesFiles(t *testing.T) {
	t.Parallel()
	environ, asked := fakeAPI(t, map[string]string{"POST /v1/instruments?dry_run=true": `{"id":"A.B"}`})
	for text, want := range map[string]string{
		"":                "the file is empty",
		"instruments: []": "it has no instruments",
		"instruments: [null, {symbol: A, venue: B}]": "instruments[0]: it is empty",
		"{]":                         "neither YAML nor JSON",
		"- 1":                        "cannot unmarshal",
		twoInstruments + "extra: 1":  "field extra not found",
		twoInstruments + "---\na: 1": "more than one document",
		twoInstruments + "  - {symbol: AAPL, venue: xnas}\n  - {symbol: '7203', venue: xtks}": "2 problems:\n  instruments[2]: AAPL.XNAS is instruments[0] already\n  instruments[3]: 7203.XTKS is instruments[1] already",
		strings.Replace(twoInstruments, "currency", "curency", 2):                             "2 problems:\n  line 3: field curency not found",
	} {
		o := execute(t, environ, "instruments", "import", write(t, text))
		require.Equal(t, exitFailure, o.code, text)
		require.Contains(t, o.stderr, want, text)
	}
	require.Equal(t, exitFailure, execute(t, environ, "instruments", "import", "/nowhere.yaml").code)
	for _, request := range *asked {
		require.Contains(t, request, "dry_run=true", "nothing is imported")
	}
}

// TestCatalogueIsReadable: what users are told to import can be.
func TestCatalogueIsReadable(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]int{"us.yaml": 34, "indices.yaml": 8, "crypto.yaml": 40, "world.yaml": 5} {
		text, err := os.ReadFile(filepath.Join("../../catalog", file))
		require.NoError(t, err)
		bodies, wrong, err := parseImport(text)
		require.NoError(t, err, file)
		require.Empty(t, wrong, file)
		require.Len(t, bodies, want, file)
	}
}

// FuzzParseImport: whatever a file holds, it is refused with words, or each of its instruments is there once.
func FuzzParseImport(f *testing.F) {
	f.Add([]byte(twoInstruments))
	f.Add([]byte(`{"instruments":[{"symbol":"A","venue":"B","providers":[]}]}`))
	f.Add([]byte("instruments: &a [*a]"))
	f.Add([]byte("a: &a [1,2]\nb: &b [*a,*a]\nc: [*b,*b]"))
	f.Add([]byte("instruments:\n\t- x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		bodies, wrong, err := parseImport(text)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotZero(t, len(bodies)+len(wrong))
		if len(wrong) > 0 {
			return
		}
		seen := map[string]bool{}
		for _, b := range bodies {
			require.NotNil(t, b)
			id := strings.ToUpper(b.Symbol + "." + b.Venue)
			require.False(t, seen[id])
			seen[id] = true
		}
	})
}
