package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// EnvPrefix begins the names of the variables that set keys.
const EnvPrefix = "AZUHOST_"

// EnvAPI is the variable that says where a running azuhost is, for the commands
// that speak to one.
const EnvAPI = EnvPrefix + "API"

// EnvFile is the variable that names the config file.
const EnvFile = EnvPrefix + "CONFIG"

// EnvRuntime is the variable that names the runtime of JavaScript plugins, for
// the commands that build them.
const EnvRuntime = EnvPrefix + "JS_RUNTIME"

// otherEnv are the variables that set no key.
var otherEnv = []string{EnvFile, EnvRuntime, EnvAPI}

// Key describes one key of the configuration, outside routes.
type Key struct {
	Name    string // "log.format"
	Doc     string
	Default string // as a file would have it
	Type    string // "string", "duration", "size", "list", …
	OneOf   []string
	Env     string // variable that sets it, or empty
	Flag    string // flag that sets it, without dashes, or empty
	Restart bool   // whether a change needs a restart

	field field
}

// field is a struct field of the schema.
type field struct {
	name    string
	index   []int // from Config
	typ     reflect.Type
	doc     string
	oneOf   []string
	min     *int64
	restart bool
	noEnv   bool
	noFlag  bool
	short   bool
	url     bool // with parts that may be secret
}

// fieldsOf lists the fields of a struct of the schema. Those of a struct with the
// tag inline stand in its place.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name := sf.Tag.Get("yaml")
		if name == ",inline" {
			for _, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
				out = append(out, f)
			}
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		f := field{
			name: name, index: []int{i}, typ: sf.Type, doc: sf.Tag.Get("doc"),
			oneOf:   strings.Fields(sf.Tag.Get("oneof")),
			restart: sf.Tag.Get("reload") == "restart",
			noEnv:   sf.Tag.Get("env") == "-",
			noFlag:  sf.Tag.Get("flag") == "-",
			short:   sf.Tag.Get("short") != "",
			url:     sf.Tag.Get("print") == "url",
		}
		if m := sf.Tag.Get("min"); m != "" {
			n, err := strconv.ParseInt(m, 10, 64)
			if err != nil {
				panic("config: tag min of " + name + ": " + err.Error())
			}
			f.min = &n
		}
		out = append(out, f)
	}
	return out
}

// shortField is the field of a struct that a file may have in the struct's place.
func shortField(t reflect.Type) (field, bool) {
	for _, f := range fieldsOf(t) {
		if f.short {
			return f, true
		}
	}
	return field{}, false
}

// Keys lists every key outside routes, in the order of the structs. Those of
// a route are there as "defaults.…".
func Keys() []Key {
	def := Default()
	return appendKeys(nil, reflect.ValueOf(def).Elem(), "", nil)
}

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
			Name: name, Doc: f.doc, Default: display(value), Type: typeName(f.typ),
			OneOf: f.oneOf, Restart: f.restart, field: f,
		}
		if k.Type != "map" && !f.noEnv {
			k.Env = EnvPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
			if f.short {
				k.Env = strings.TrimSuffix(k.Env, "_"+strings.ToUpper(f.name))
			}
		}
		if k.Type != "map" && !f.noFlag && !strings.HasPrefix(name, "defaults.") {
			k.Flag = strings.NewReplacer(".", "-", "_", "-").Replace(name)
		}
		keys = append(keys, k)
	}
	return keys
}

// display writes a value as a file would have it.
func display(v reflect.Value) string {
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

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[Duration]():
		return "duration"
	case reflect.TypeFor[Path]():
		return "path"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list"
	case reflect.Int:
		return "number"
	}
	return t.Kind().String()
}
