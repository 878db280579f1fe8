package docs_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unlike says how an output differs in shape from what a page shows of it, or "". Of a JSON document every member that is
// shown must be there, with the same type. Of text every line that is shown must be there, in that order; numbers may
// differ, and … stands for anything.
func unlike(shown, output string) string {
	if shown = strings.TrimSpace(shown); strings.HasPrefix(shown, "{") || strings.HasPrefix(shown, "[") {
		var want, have any
		if err := json.Unmarshal([]byte(withoutEllipses(shown)), &want); err != nil {
			return fmt.Sprintf("what is shown is no JSON (… may stand for elements and inside of texts): %v", err)
		}
		// curl -i prints the head of the answer before it
		begin := max(strings.Index("\n"+output, "\n{"), strings.Index("\n"+output, "\n["), 0)
		if err := json.Unmarshal([]byte(output[begin:]), &have); err != nil {
			return "the output is no JSON"
		}
		return unlikeJSON("", want, have)
	}
	lines := strings.Split(output, "\n")
	for want := range strings.Lines(shown) {
		if strings.Trim(want, " …\n") == "" {
			continue
		}
		pattern := regexp.MustCompile("^" + shape(strings.TrimSpace(want)) + "$")
		for len(lines) > 0 && !pattern.MatchString(strings.TrimSpace(lines[0])) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			return fmt.Sprintf("no line like %q is in the output, or not in that order", strings.TrimSpace(want))
		}
		lines = lines[1:]
	}
	return ""
}

// shape is a pattern for lines like the one shown.
func shape(line string) string {
	line = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).ReplaceAllString(line, "\x00")
	line = regexp.MustCompile(`\d+`).ReplaceAllString(line, "\x01")
	line = regexp.MustCompile(`\s+`).ReplaceAllString(line, "\x02")
	return strings.NewReplacer("\x00", `[0-9a-f-]{36}`, "\x01", `\d+`, "\x02", `\s+`, "…", `.*`).Replace(regexp.QuoteMeta(line))
}

// withoutEllipses removes … that stand for elements or members, not those inside of texts.
func withoutEllipses(document string) string {
	var b strings.Builder
	for at, part := range regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).Split(document, -1) {
		if at > 0 {
			b.WriteString(regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).FindAllString(document, -1)[at-1])
		}
		b.WriteString(regexp.MustCompile(`,\s*…|…\s*,?`).ReplaceAllString(part, ""))
	}
	return b.String()
}

func unlikeJSON(path string, want, have any) string {
	switch w := want.(type) {
	case map[string]any:
		h, isObject := have.(map[string]any)
		if !isObject {
			return path + " is no object"
		}
		for name, member := range w {
			value, exists := h[name]
			if !exists {
				return path + "." + name + " is not in the output"
			}
			if difference := unlikeJSON(path+"."+name, member, value); difference != "" {
				return difference
			}
		}
	case []any:
		h, isList := have.([]any)
		if !isList || len(w) > 0 && len(h) == 0 {
			return path + " is no list, or an empty one"
		}
		for at := range min(len(w), len(h)) {
			if difference := unlikeJSON(fmt.Sprintf("%s[%d]", path, at), w[at], h[at]); difference != "" {
				return difference
			}
		}
	default:
		if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", have) {
			return fmt.Sprintf("%s is %v, shown as %v", path, have, want)
		}
	}
	return ""
}

func TestShapes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ shown, output, want string }{
		{"BTC  12%\n…\n done", "first\nBTC 3%\nmore\ndone", ""},
		{"b\na", "a\nb", "not in that order"},
		{"id 0190a0b0-0000-7000-8000-000000000000 … x", "id 11111111-2222-3333-4444-555555555555 any x", ""},
		{`{"a": [1, …], "b": "x…", …}`, `{"a":[2,3],"b":"y","c":null}`, ""},
		{`{"a": 1}`, `{"a":"1"}`, ".a is 1"},
		{`{"a": 1}`, `{}`, ".a is not"},
		{`{"a": 1}`, "HTTP/1.1 200\r\n\r\n{\"a\":2}", ""},
		{`{"a": [1]}`, `{"a":[]}`, "empty"},
		{`{a}`, `{}`, "no JSON"},
		{`{}`, `no`, "no JSON"},
	} {
		require.Contains(t, unlike(test.shown, test.output), test.want, test.shown)
		require.Equal(t, test.want == "", unlike(test.shown, test.output) == "", test.shown)
	}
}
