//go:build compose

package deploy_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testSecrets looks for every secret wherever Docker shows something.
func (s *stack) testSecrets(t *testing.T) {
	s = s.within(t)
	history, err := s.docker.ImageHistory(t.Context(), testImage)
	require.NoError(t, err)
	shown := map[string]string{"docker history": jsonText(t, history)}
	for _, service := range append(services(), jobs()...) {
		id := s.container(service)
		shown["docker inspect "+service] = jsonText(t, s.inspect(service))
		shown["the log of "+service] = s.logs(id)
	}
	secrets := s.secretTexts()
	for name, secret := range secrets {
		for where, text := range shown {
			if strings.Contains(text, secret) { // neither is printed
				require.Fail(t, where+" shows the secret "+name)
			}
		}
	}
	s.searchImage(secrets)
}

// secretTexts returns the random part of each secret, by the name of its file.
func (s *stack) secretTexts() map[string]string {
	s.t.Helper()
	files, err := os.ReadDir(s.secrets)
	require.NoError(s.t, err)
	require.Len(s.t, files, 6)
	secrets := map[string]string{}
	for _, file := range files {
		secrets[file.Name()] = regexp.MustCompile(`[0-9a-f]{48}`).FindString(readFile(s.t, filepath.Join(s.secrets, file.Name())))
		require.NotEmpty(s.t, secrets[file.Name()], file.Name())
	}
	return secrets
}

// searchImage looks for the secrets in every file of the saved image, those of its layers among them.
func (s *stack) searchImage(secrets map[string]string) {
	s.t.Helper()
	saved, err := s.docker.ImageSave(s.t.Context(), []string{testImage})
	require.NoError(s.t, err)
	defer func() { _ = saved.Close() }()
	files := map[string]bool{}
	s.eachFile(saved, func(name string, content []byte) {
		files[name] = true
		for secret, text := range secrets {
			require.False(s.t, bytes.Contains(content, []byte(text)), "%s of the saved image holds the secret %s", name, secret)
		}
	})
	require.Contains(s.t, files, "usr/local/bin/marketdata", "layers are opened")
	require.Contains(s.t, files, "etc/passwd")
	s.t.Logf("no secret in %d files of the saved image", len(files))
}

// eachFile shows every file of a tar, and those of tars in it, compressed or not.
func (s *stack) eachFile(archive io.Reader, look func(name string, content []byte)) {
	s.t.Helper()
	for files := tar.NewReader(archive); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(s.t, err)
		content, err := io.ReadAll(files)
		require.NoError(s.t, err)
		look(header.Name, content)
		if unzipped, err := gzip.NewReader(bytes.NewReader(content)); err == nil {
			content, err = io.ReadAll(unzipped)
			require.NoError(s.t, err, header.Name)
			look(header.Name, content)
		}
		if len(content) > 512 && string(content[257:262]) == "ustar" {
			s.eachFile(bytes.NewReader(content), look)
		}
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// testChangedSecrets gives every role another password. Bars stay what they were: a month of minutes and the daily ones are
// compared; the restore before it held every bar against the truth.
func (s *stack) testChangedSecrets(t *testing.T) {
	s = s.within(t)
	require.NoError(t, os.RemoveAll(s.secrets))
	require.NoError(t, s.makeSecrets())
	s.compose("up", "--detach", "--force-recreate", "--no-build")
	s.awaitAll()
	s.compareWithTruth("ETHUSDT", "1m", firstMonth(), firstMonth().AddDate(0, 1, 0))
	s.compareDemo()
	var b backfill
	s.await("the platform works", func() bool {
		b = s.startBackfill(time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC))
		return b.ID != ""
	})
	s.await(fmt.Sprintf("backfill %s ends", b.ID), func() bool {
		return s.ask("api", http.MethodGet, "/v1/backfills/"+b.ID, nil, &b) == http.StatusOK && b.Status == "completed"
	})
}
