package config

import (
	"fmt"
	"reflect"
	"strings"
)

// EnvPrefix begins the name of each variable that azuhost reads.
const EnvPrefix = "AZUHOST_"

// Variables that set no key.
const (
	// EnvFile is the variable that names the config file.
	EnvFile = EnvPrefix + "CONFIG"
	// EnvAPI is the variable with the address of a running azuhost, for the commands that call its API.
	EnvAPI = EnvPrefix + "API"
	// EnvRuntime is the variable that names the runtime of JavaScript plugins, for the commands that build them.
	EnvRuntime = EnvPrefix + "JS_RUNTIME"
)

// otherEnv lists the variables that set no key.
var otherEnv = []string{EnvFile, EnvRuntime, EnvAPI}

// defaultsPrefix begins the names of the keys of routes.
const defaultsPrefix = "defaults."

// Key describes a key of the configuration. The keys of a route are described once, with the prefix "defaults.".
type Key struct {
	Name    string // as in "log.format"
	Doc     string
	Default string // as a file has it
	Type    string // "string", "duration", "size", "list", …
	OneOf   []string
	Env     string // variable that sets the key, or empty
	Flag    string // flag that sets the key, without dashes, or empty
	Restart bool   // a change needs a restart

	field field
}

// Keys returns every key in the order of the schema.
func Keys() []Key {
	return appendKeys(nil, reflect.ValueOf(Default()).Elem(), "", nil)
}

// appendKeys appends the keys of v, a struct of the schema, to keys. prefix is the name of v, with a dot at its end.
// index leads from Config to v.
func appendKeys(keys []Key, v reflect.Value, prefix string, index []int) []Key {
	for _, f := range fieldsOf(v.Type()) {
		value := v.FieldByIndex(f.index)
		f.index = append(append([]int(nil), index...), f.index...)
		name := prefix + f.name
		switch {
		case value.Kind() == reflect.Struct:
			keys = appendKeys(keys, value, name+".", f.index)
			continue
		case f.name == "routes":
			continue
		}
		k := Key{
			Name: name, Doc: docs[name], Default: formatValue(value), Type: typeName(f.typ),
			OneOf: f.oneOf, Restart: f.restart, field: f,
		}
		if k.Type != "map" && !f.noEnv {
			k.Env = EnvPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
			if f.short {
				k.Env = strings.TrimSuffix(k.Env, "_"+strings.ToUpper(f.name))
			}
		}
		if k.Type != "map" && !f.noFlag && !strings.HasPrefix(name, defaultsPrefix) {
			k.Flag = strings.NewReplacer(".", "-", "_", "-").Replace(name)
		}
		keys = append(keys, k)
	}
	return keys
}

// Validate reports why text cannot be the value of k.
func (k Key) Validate(text string) error {
	scratch := reflect.ValueOf(Default()).Elem().FieldByIndex(k.field.index)
	return k.field.set(scratch, text, "")
}

// formatValue returns v as a file has it.
func formatValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case map[string]any:
		return "{}"
	case []string:
		return "[" + strings.Join(x, ", ") + "]"
	case string:
		return quoteEmpty(x)
	case Path:
		return quoteEmpty(string(x))
	case Secret:
		return quoteEmpty(x.String())
	}
	return fmt.Sprint(v.Interface())
}

func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}
