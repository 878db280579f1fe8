package schema_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/db/schema"
)

var update = flag.Bool("update", false, "rewrite docs/schema.md")

func TestMain(m *testing.M) { dbtest.Main(m) }

// TestSchemaPageIsCurrent holds docs/schema.md against a migrated database.
func TestSchemaPageIsCurrent(t *testing.T) {
	t.Parallel()
	s, err := schema.Read(t.Context(), dbtest.URL(t))
	require.NoError(t, err)
	const page = "../../docs/schema.md"
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(s.Page()), 0o644))
	}
	want, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, string(want), s.Page(), "run the test with -update to accept the change")
}

// TestSchemaExplainsItself: who reads the schema, in Grafana or psql, finds a sentence at each table and view.
func TestSchemaExplainsItself(t *testing.T) {
	t.Parallel()
	s, err := schema.Read(t.Context(), dbtest.URL(t))
	require.NoError(t, err)
	require.NotEmpty(t, s.Relations)
	// Applied migrations are never edited: these came without a sentence.
	silent := []string{"ingest_job_series", "ensure_raw_page_partitions"}
	for _, r := range s.Relations {
		if slices.Contains(silent, r.Name) {
			continue
		}
		require.True(t, strings.HasSuffix(r.Comment, "."), "%s wants a sentence: COMMENT ON TABLE or VIEW %[1]s", r.Name)
	}
	for _, f := range s.Functions {
		if slices.Contains(silent, f.Name) {
			continue
		}
		require.NotEmpty(t, f.Comment, "%s wants a sentence: COMMENT ON FUNCTION", f.Name)
	}
}

// TestReferences: what leads from a bar to its receipt and on is in the picture, though no foreign key says it.
func TestReferences(t *testing.T) {
	t.Parallel()
	s, err := schema.Read(t.Context(), dbtest.URL(t))
	require.NoError(t, err)
	have := s.References()
	for _, want := range []schema.Reference{
		{From: "bar", Column: "load_id", To: "load", IsRequired: true},
		{From: "bar", Column: "series_id", To: "series", IsRequired: true},
		{From: "bar_revision", Column: "replaced_by", To: "load", IsRequired: true},
		{From: "load", Column: "chunk_id", To: "ingest_chunk", IsRequired: true},
		{From: "ingest_chunk", Column: "job_id", To: "ingest_job", IsRequired: true, IsEnforced: true},
		{From: "series_coverage", Column: "series_id", To: "series", IsRequired: true, IsOne: true, IsEnforced: true},
		{From: "ingest_job", Column: "schedule_id", To: "schedule"},
	} {
		require.Contains(t, have, want)
	}
	for _, f := range have {
		require.NotEqual(t, f.From, f.To)
	}
}
