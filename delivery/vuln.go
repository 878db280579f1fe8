package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
)

const (
	vulnService = "https://vuln.go.dev"
	vulnModule  = "golang.org/x/vulndb"
)

// ErrNotChecked says that there is no database to check against. It is neither a pass nor a finding.
var ErrNotChecked = errors.New("NOT CHECKED: no database of vulnerabilities can be reached")

// VulnDB is a database that govulncheck can ask.
type VulnDB struct {
	URL    string
	Origin string // for people: where it is from, and of when
}

// VulnSources says where to look for a database.
type VulnSources struct {
	Given    string // GOVULNDB: taken as it is
	Client   *http.Client
	Download func(ctx context.Context, module string) (dir, version string, err error)
}

// Find returns the database that was given, else Go's own service, else the same entries as the Go module proxy has
// them: machines that may reach nothing but a module proxy are checked too, against entries that are some days or
// weeks old; the origin says of when. Errors: ErrNotChecked.
func (s VulnSources) Find(ctx context.Context) (VulnDB, error) {
	if s.Given != "" {
		return VulnDB{URL: s.Given, Origin: s.Given + ", as GOVULNDB says"}, nil
	}
	unreached := s.reach(ctx)
	if unreached == nil {
		return VulnDB{URL: vulnService, Origin: vulnService}, nil
	}
	dir, version, err := s.Download(ctx, vulnModule)
	if err != nil {
		return VulnDB{}, fmt.Errorf("%w: %w", ErrNotChecked, errors.Join(unreached, err))
	}
	return VulnDB{
		URL:    "file://" + filepath.ToSlash(filepath.Join(dir, "data", "osv")),
		Origin: fmt.Sprintf("%s %s from the module proxy, since %s cannot be reached", vulnModule, version, vulnService),
	}, nil
}

func (s VulnSources) reach(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, vulnService+"/index/db.json", nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", vulnService, err)
	}
	response, err := s.Client.Do(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", vulnService, err)
	}
	defer func() { _ = response.Body.Close() }() // nothing was sent in it
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s: %s", vulnService, response.Status)
	}
	return nil
}

// DownloadModule brings the newest version of a module into the module cache.
func DownloadModule(ctx context.Context, module string) (dir, version string, err error) {
	out, err := goTool(ctx, "", []string{"GOWORK=off"}, "mod", "download", "-json", module+"@latest")
	if err != nil {
		return "", "", err
	}
	var downloaded struct{ Dir, Version string }
	if err := json.Unmarshal(out, &downloaded); err != nil {
		return "", "", fmt.Errorf("read what was downloaded: %w", err)
	}
	return downloaded.Dir, downloaded.Version, nil
}
