package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Setting is one key set outside the file.
type Setting struct {
	Key  string // Key.Name
	Text string
}

// env puts the AZUHOST_ variables of environ (KEY=value) onto cfg.
func env(cfg *Config, environ []string) Problems {
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
		probs = append(probs, cfg.apply(k, text, o)...)
	}
	return probs
}

func unknownEnv(name string, names []string) string {
	if n, ok := nearest(name[len(EnvPrefix):], trimAll(names)); ok {
		return fmt.Sprintf("unknown variable: did you mean %s%s?", EnvPrefix, strings.ToUpper(n))
	}
	return "unknown variable"
}

// trimAll takes the prefix off names, which would make all of them look near.
func trimAll(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(strings.TrimPrefix(n, EnvPrefix))
	}
	return out
}

// flags puts settings from the command line onto cfg.
func flags(cfg *Config, settings []Setting) Problems {
	keys := Keys()
	var probs Problems
	for _, s := range settings {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == s.Key })
		probs = append(probs, cfg.apply(keys[i], s.Text, origin{name: "--" + keys[i].Flag})...)
	}
	return probs
}

// apply sets the key k, which is outside routes.
func (c *Config) apply(k Key, text string, o origin) Problems {
	c.origin[k.Name] = o
	if err := k.field.set(reflect.ValueOf(c).Elem().FieldByIndex(k.field.index), text, ""); err != nil {
		return Problems{{Where: o.String(), Text: err.Error(), order: o.order()}}
	}
	return nil
}

// Try says whether text can be a value of k.
func (k Key) Try(text string) error {
	scratch := reflect.ValueOf(Default()).Elem().FieldByIndex(k.field.index)
	return k.field.set(scratch, text, "")
}
