package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// field describes a field of a struct of the schema.
type field struct {
	name    string // tag yaml
	index   []int  // from the struct that fieldsOf was called with; from Config in a Key
	typ     reflect.Type
	oneOf   []string
	min     *int64
	restart bool
	noEnv   bool
	noFlag  bool
	short   bool
	url     bool // a URL with parts that may be secret
}

// fieldsOf returns the fields of a struct of the schema. It puts the fields of a struct with the tag inline in its
// place.
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
			name: name, index: []int{i}, typ: sf.Type,
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

// shortField returns the field whose value a file may give in place of the struct.
func shortField(t reflect.Type) (field, bool) {
	for _, f := range fieldsOf(t) {
		if f.short {
			return f, true
		}
	}
	return field{}, false
}

// set sets v, a value of the field, from text. Relative paths are relative to the folder base. The error does not name
// the key.
func (f field) set(v reflect.Value, text, base string) error {
	switch p := v.Addr().Interface().(type) {
	case interface{ set(string) error }:
		if err := p.set(text); err != nil {
			return fmt.Errorf("%q %w", text, err)
		}
	case *Path:
		*p = Path(resolvePath(text, base))
	case *Secret:
		if err := p.parse(text); err != nil {
			return err // without the text, which may be secret
		}
	case *string:
		*p = text
	case *bool:
		switch text {
		case "true", "false":
			*p = text == "true"
		default:
			return fmt.Errorf("%q is neither true nor false", text)
		}
	case *int:
		n, err := strconv.Atoi(strings.ReplaceAll(text, "_", ""))
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		*p = n
	case *[]string:
		*p = splitList(text)
	default:
		return fmt.Errorf("cannot be set from %q", text)
	}
	return f.validate(v, text)
}

// validate compares v, which was set from text, to the tags min and oneof.
func (f field) validate(v reflect.Value, text string) error {
	if f.min != nil && v.Int() < *f.min {
		if *f.min == 1 {
			return fmt.Errorf("%s is too small: it must be more than 0", text)
		}
		least := reflect.New(v.Type()).Elem()
		least.SetInt(*f.min)
		return fmt.Errorf("%s is too small: it must be at least %v", text, least.Interface())
	}
	if len(f.oneOf) == 0 || slices.Contains(f.oneOf, text) {
		return nil
	}
	err := fmt.Errorf("%q is not one of %s", text, strings.Join(f.oneOf, ", "))
	if name, ok := nearestName(text, f.oneOf); ok {
		err = fmt.Errorf("%w: did you mean %q?", err, name)
	}
	return err
}

// splitList splits text at commas. It drops white space around items, and empty items.
func splitList(text string) []string {
	out := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// resolvePath makes a relative path relative to base. It returns an empty path and PathAuto as they are.
func resolvePath(path, base string) string {
	if path == "" || path == PathAuto || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// typeName returns the name of a field's type in docs/CONFIG.md, --help and errors.
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
