package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Setting sets a key outside the file.
type Setting struct {
	Key  string // Key.Name
	Text string
}

// applyEnv sets the keys that the AZUHOST_ variables of environ (KEY=value) name.
func (c *Config) applyEnv(environ []string) Problems {
	byEnv := map[string]Key{}
	names := slices.Clone(otherEnv)
	for _, k := range Keys() {
		if k.Env != "" {
			byEnv[k.Env] = k
			names = append(names, k.Env)
		}
	}
	var probs Problems
	for _, kv := range slices.Sorted(slices.Values(environ)) {
		name, text, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, EnvPrefix) || slices.Contains(otherEnv, name) {
			continue
		}
		o := origin{name: name}
		k, ok := byEnv[name]
		if !ok {
			probs = append(probs, Problem{Where: o.String(), Text: unknownEnv(name, names), order: o.order()})
			continue
		}
		probs = append(probs, c.apply(k, text, o)...)
	}
	return probs
}

// unknownEnv returns the text of the problem that no variable is called name. names lists the variables.
func unknownEnv(name string, names []string) string {
	if near, ok := nearestName(name[len(EnvPrefix):], withoutPrefix(names)); ok {
		return fmt.Sprintf("unknown variable: did you mean %s%s?", EnvPrefix, strings.ToUpper(near))
	}
	return "unknown variable"
}

// withoutPrefix returns names in lower case and without EnvPrefix. The prefix would make all of them similar.
func withoutPrefix(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.ToLower(strings.TrimPrefix(name, EnvPrefix))
	}
	return out
}

// applyFlags sets the keys that settings name.
func (c *Config) applyFlags(settings []Setting) Problems {
	keys := Keys()
	var probs Problems
	for _, s := range settings {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == s.Key })
		probs = append(probs, c.apply(keys[i], s.Text, origin{name: "--" + keys[i].Flag})...)
	}
	return probs
}

// apply sets the key k from text, and records o as its origin.
func (c *Config) apply(k Key, text string, o origin) Problems {
	c.origin[k.Name] = o
	if err := k.field.set(reflect.ValueOf(c).Elem().FieldByIndex(k.field.index), text, ""); err != nil {
		return Problems{{Where: o.String(), Text: err.Error(), order: o.order()}}
	}
	return nil
}
