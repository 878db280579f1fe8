package grafana_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/config"
)

// TestNoProviderIsCalledLikeAChoice: what dashboards and their SQL take for several providers no configuration can call one.
func TestNoProviderIsCalledLikeAChoice(t *testing.T) {
	t.Parallel()
	migration, err := os.ReadFile("../db/migrations/0012_grafana.sql")
	require.NoError(t, err)
	texts := []string{string(migration)}
	for _, board := range boards(t) {
		for _, q := range board.Queries() {
			if q.Name == "provider" || strings.Contains(q.Text, "$provider") {
				texts = append(texts, q.Text)
			}
		}
	}
	require.Greater(t, len(texts), 20)
	words := map[string]bool{}
	literal := regexp.MustCompile(`'([^']*)'`)
	compared := regexp.MustCompile(`(?:'\$provider'|\bprovider_) (?:IN \(([^)]*)\)|= ('[^']*'))|SELECT ('[^']*') AS provider|UNION SELECT ('[^']*'), 1 UNION`)
	for _, text := range texts {
		for _, match := range compared.FindAllStringSubmatch(text, -1) {
			for _, word := range literal.FindAllStringSubmatch(strings.Join(match[1:], " "), -1) {
				words[word[1]] = true
			}
		}
	}
	require.Equal(t, map[string]bool{"": true, "all": true, "default": true}, words)
	adapters := []string{"binance"}
	for word := range words {
		c := config.Default(adapters)
		require.NoError(t, c.Validate(adapters))
		c.Providers[word] = config.Provider{Adapter: "binance"}
		require.ErrorContains(t, c.Validate(adapters), "providers."+word+": ")
	}
}
