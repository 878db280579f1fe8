package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// level is an object or a list around the place where a body is being read.
type level struct {
	location string
	isList   bool
	next     int             // of a list: the index of the next element
	names    map[string]bool // of an object: those that were read
	open     string          // of an object: the name whose value comes next, "" before a name
}

// checkMembers refuses members that are there twice, and those that encoding/json would take for another one: it matches names
// without case, and no member of a request has a capital. What is not JSON is left to whoever decodes it.
func checkMembers(body []byte) error {
	var places []problemError
	var levels []*level
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			break // the end, or no JSON
		}
		delimiter, _ := token.(json.Delim)
		if delimiter == '}' || delimiter == ']' {
			levels = levels[:len(levels)-1]
			continue
		}
		location := "body"
		if len(levels) > 0 {
			at := levels[len(levels)-1]
			if name, isName := token.(string); isName && !at.isList && at.open == "" {
				places = append(places, at.read(name)...)
				continue
			}
			location = at.value()
		}
		if delimiter != 0 {
			levels = append(levels, &level{location: location, isList: delimiter == '[', names: map[string]bool{}})
		}
	}
	if len(places) == 0 {
		return nil
	}
	return invalid(places)
}

// read notes a name, and says what is wrong with it.
func (l *level) read(name string) []problemError {
	location := l.location + "." + name
	l.open = location
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return []problemError{{Location: location, Message: "unexpected property"}}
	}
	if l.names[name] {
		return []problemError{{Location: location, Message: "it is there twice"}}
	}
	l.names[name] = true
	return nil
}

// value is the location of the value that comes now.
func (l *level) value() string {
	if l.isList {
		l.next++
		return fmt.Sprintf("%s[%d]", l.location, l.next-1)
	}
	location := l.open
	l.open = ""
	return location
}
