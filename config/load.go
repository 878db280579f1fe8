package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

const (
	environPrefix = "MD_"
	fileSuffix    = "_file" // a secret's key with it names the file that holds the secret
)

// Sources is where a configuration is read from; zero fields are left out.
type Sources struct {
	Adapters []string       // names of the adapters that exist
	File     string         // YAML
	Environ  []string       // NAME=value, as Environ returns
	Flags    *pflag.FlagSet // of which those of AddFlags count, where they were given
}

// Environ returns the environment of the process.
func Environ() []string { return os.Environ() }

// setting is a value as one source has it; origin names the source for people.
type setting struct {
	value  any
	origin string
}

// Load reads the configuration: defaults < file < environment < flags. The error is an *Error with every unknown key
// and every wrong value. An environment variable that is set but empty counts as not set.
func Load(s Sources) (Config, error) {
	l := loader{into: koanf.New("."), origins: make(map[string]string)}
	l.add(defaultLayer(s.Adapters))
	if s.File != "" {
		l.add(l.fileLayer(s.File))
	}
	l.add(l.environLayer(s.Environ))
	if s.Flags != nil {
		l.add(flagLayer(s.Flags))
	}
	for section, defaults := range completions() {
		l.complete(section, defaults)
	}

	var c Config
	err := l.into.UnmarshalWithConf("", &c, koanf.UnmarshalConf{
		DecoderConfig: &mapstructure.DecoderConfig{ErrorUnused: true, Result: &c, TagName: "koanf"},
	})
	if err != nil {
		l.problem("configuration", "%s", err)
	}
	c.origins = l.origins
	var invalid *Error
	if errors.As(c.Validate(s.Adapters), &invalid) {
		l.problems = append(l.problems, invalid.Problems...)
	}
	return c, problemsError(l.problems)
}

type loader struct {
	into     *koanf.Koanf
	origins  map[string]string
	problems []Problem
}

func (l *loader) problem(path, format string, args ...any) {
	l.problems = append(l.problems, Problem{Key: path, Message: fmt.Sprintf(format, args...)})
}

// add merges a layer into those before it. Keys that do not exist or have a wrong value are left out as problems.
func (l *loader) add(layer map[string]setting) {
	l.readSecretFiles(layer)
	good := make(map[string]any, len(layer))
	for _, path := range slices.Sorted(maps.Keys(layer)) {
		s := layer[path]
		k, ok := findKey(path)
		if !ok {
			l.refuse(path, s)
			continue
		}
		value, err := k.parse(s.value)
		if err != nil {
			l.problem(path, "%s (%s)", err, s.origin)
			continue
		}
		good[path], l.origins[path] = value, s.origin
	}
	if err := l.into.Load(confmap.Provider(good, "."), nil); err != nil {
		l.problem("configuration", "%s", err)
	}
}

// refuse says what is wrong with a key that does not exist. An empty section would silently undo every default in it.
func (l *loader) refuse(path string, s setting) {
	switch {
	case !isSection(path):
		l.problem(path, "unknown key (%s)", s.origin)
	case isEmpty(s.value):
		l.problem(path, "the section is empty: fill it, or remove it to keep the defaults (%s)", s.origin)
	default:
		l.problem(path, "is a section, not a value (%s)", s.origin)
	}
}

func isEmpty(value any) bool {
	section, isMap := value.(map[string]any)
	return value == nil || isMap && len(section) == 0
}

// readSecretFiles replaces each …_file key of a secret by the secret.
func (l *loader) readSecretFiles(layer map[string]setting) {
	for _, path := range slices.Sorted(maps.Keys(layer)) {
		base, isFile := strings.CutSuffix(path, fileSuffix)
		if k, ok := findKey(base); !isFile || !ok || !k.isSecret {
			continue
		}
		s := layer[path]
		delete(layer, path)
		if other, isTwice := layer[base]; isTwice {
			l.problem(base, "is given twice: by %s and by %s", other.origin, s.origin)
			continue
		}
		name, _ := s.value.(string)
		if name == "" {
			l.problem(path, "wants the name of a file (%s)", s.origin)
			continue
		}
		content, err := os.ReadFile(name) //nolint:gosec // whoever configures the process names the file
		if err != nil {
			l.problem(path, "%s (%s)", err, s.origin)
			continue
		}
		layer[base] = setting{value: strings.TrimRight(string(content), "\r\n"), origin: s.origin}
	}
}

// complete gives the entries of a section that only the sources know their defaults.
func (l *loader) complete(section string, defaults map[string]any) {
	missing := make(map[string]any)
	for _, name := range l.into.MapKeys(section) {
		for key, value := range defaults {
			if path := section + "." + name + "." + key; !l.into.Exists(path) {
				missing[path], l.origins[path] = value, originDefault
			}
		}
	}
	if err := l.into.Load(confmap.Provider(missing, "."), nil); err != nil {
		l.problem(section, "%s", err)
	}
}

const originDefault = "default"

func defaultLayer(adapters []string) map[string]setting {
	layer := make(map[string]setting)
	for path, value := range Default(adapters).values() {
		layer[path] = setting{valueText(value), originDefault}
	}
	return layer
}

func (l *loader) fileLayer(name string) map[string]setting {
	content := koanf.New(".")
	if err := content.Load(file.Provider(name), yaml.Parser()); err != nil {
		var missing *fs.PathError
		if !errors.As(err, &missing) {
			err = fmt.Errorf("%s is not readable as YAML: %w", name, err)
		}
		l.problem("--config", "%s", strings.ReplaceAll(err.Error(), "\n", " "))
		return nil
	}
	layer := make(map[string]setting)
	for path, value := range content.All() {
		layer[path] = setting{value, "file " + name}
	}
	return layer
}

func (l *loader) environLayer(environ []string) map[string]setting {
	layer := make(map[string]setting)
	read := env.Provider("", env.Opt{
		Prefix:      environPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			path := environPath(name)
			s := setting{value, "environment variable " + name}
			switch {
			case value == "":
			case name != environName(path):
				l.problem(path, "unknown key (%s): names are upper case", s.origin)
			default:
				layer[path] = s
			}
			return "", nil
		},
	})
	if _, err := read.Read(); err != nil {
		l.problem("environment", "%s", err)
	}
	return layer
}

func flagLayer(flags *pflag.FlagSet) map[string]setting {
	layer := make(map[string]setting)
	flags.Visit(func(f *pflag.Flag) {
		if paths := f.Annotations[flagKey]; len(paths) == 1 {
			layer[paths[0]] = setting{f.Value.String(), "flag --" + f.Name}
		}
	})
	return layer
}
