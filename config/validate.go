package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	Key     string
	Message string
}

// Error lists everything wrong with a configuration.
type Error struct{ Problems []Problem }

// Error is one line for one problem, else one line for each below a heading.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "configuration: " + e.Problems[0].Key + ": " + e.Problems[0].Message
	}
	lines := []string{fmt.Sprintf("configuration has %d problems:", len(e.Problems))}
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.Key+": "+p.Message)
	}
	return strings.Join(lines, "\n")
}

// problemsError returns an *Error with the problems by key, or nil without any.
func problemsError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortFunc(problems, func(a, b Problem) int {
		return strings.Compare(a.Key+"\x00"+a.Message, b.Key+"\x00"+b.Message)
	})
	return &Error{Problems: slices.Compact(problems)}
}

// Require returns an *Error naming those of the keys that have no value. It knows text keys outside providers.
func (c Config) Require(paths ...string) error {
	var problems []Problem
	for _, path := range paths {
		if value, ok := c.values()[path]; !ok || valueText(value) == "" {
			problems = append(problems, Problem{path, "is required: set " + environName(path) + " or the key in the --config file"})
		}
	}
	return problemsError(problems)
}

// Validate returns an *Error with every value that cannot be right, or nil. Keys that only some commands need may be
// empty: see Require.
func (c Config) Validate(adapters []string) error {
	v := validator{adapters: adapters}
	v.databaseURL("database.url", c.Database.URL)
	v.databaseURL("database.migrate_url", c.Database.MigrateURL)
	v.address("temporal.address", c.Temporal.Address)
	v.check("temporal.namespace", c.Temporal.Namespace != "", "is required")
	v.pageURL("temporal.ui_url", c.Temporal.UIURL)
	v.address("api.listen", c.API.Listen)
	v.webURL("api.url", c.API.URL)
	v.address("worker.listen", c.Worker.Listen)
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		v.provider(name, c.Providers[name])
	}
	for _, id := range slices.Sorted(maps.Keys(c.Schedules)) {
		v.schedule(id, c.Schedules[id], c.Providers)
	}
	v.check("retention.raw_page", c.Retention.RawPage > 0, "wants more than 0, such as 2160h")
	v.alerts(c.Alerts)
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", c.Log.Format, "auto", "text", "json")
	return problemsError(v.problems)
}

type validator struct {
	adapters []string
	problems []Problem
}

func (v *validator) check(path string, isRight bool, message string) {
	if !isRight {
		v.problems = append(v.problems, Problem{path, message})
	}
}

func (v *validator) oneOf(path, value string, set ...string) {
	v.check(path, slices.Contains(set, value), fmt.Sprintf("wants one of %s, not %q", strings.Join(set, ", "), value))
}

func (v *validator) address(path, value string) {
	_, port, err := net.SplitHostPort(value)
	_, portErr := strconv.ParseUint(port, 10, 16)
	v.check(path, err == nil && portErr == nil, fmt.Sprintf("wants host:port, not %q", value))
}

func (v *validator) webURL(path, value string) {
	u, err := url.Parse(value)
	isWeb := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	v.check(path, isWeb, "wants a URL that begins with http:// or https://")
}

// pageURL wants what everybody may see: it stands in answers, metrics and links.
func (v *validator) pageURL(path, value string) {
	v.webURL(path, value)
	if u, err := url.Parse(value); err == nil {
		v.check(path, u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "", "wants no user, password, query or fragment: everybody sees it")
	}
}

// baseURL wants nothing but a place to ask: a credential belongs into api_key, where it is never shown.
func (v *validator) baseURL(path, value string) {
	v.webURL(path, value)
	if u, err := url.Parse(value); err == nil {
		isPlain := u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
		v.check(path, isPlain, "wants no user, password, query or fragment: a key belongs into api_key")
	}
}

// databaseURL does not repeat the value: it may hold a password.
func (v *validator) databaseURL(path string, value DatabaseURL) {
	if value == "" {
		return
	}
	u, err := url.Parse(value.Reveal())
	isPostgres := err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql")
	v.check(path, isPostgres, "wants a URL such as postgres://user:password@host:5432/name (special characters percent-encoded)")
}

// isName reports whether a name can stand in keys, ids and environment variables.
func isName(name string) bool { return regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(name) }

// isChoice reports whether dashboards and their SQL take the word for several providers, so that none can be called that.
func isChoice(name string) bool { return name == "default" || name == "all" }

func (v *validator) provider(name string, p Provider) {
	path := "providers." + name
	v.check(path, !isChoice(name), "default and all are choices in dashboards: take another name")
	v.check(path, isName(name), "the name of an instance is lower case letters, digits and _, a letter first")
	v.check(path+".adapter", p.Adapter != "", "is required: one of "+strings.Join(v.adapters, ", "))
	if p.Adapter != "" {
		v.oneOf(path+".adapter", p.Adapter, v.adapters...)
	}
	if p.BaseURL != "" {
		v.baseURL(path+".base_url", p.BaseURL)
	}
	v.check(path+".requests_per_minute", p.RequestsPerMinute >= 0, "wants 0 or more")
	v.check(path+".weight_per_minute", p.WeightPerMinute >= 0, "wants 0 or more")
	v.check(path+".synthetic", !p.Synthetic || p.BaseURL != "", "a synthetic instance needs the base_url of its simulator")
}
