package config

import (
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
)

// Print writes the configuration as a config file, with its defaults. It masks secrets, and the parts of URLs that may
// be secret.
func (c *Config) Print(w io.Writer) error {
	data, err := yaml.MarshalWithOptions(tree(reflect.ValueOf(c).Elem()), yaml.Indent(2), yaml.IndentSequence(true))
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// tree converts a struct of the schema to a value that the YAML library can encode. It leaves out lists and maps that
// are nil, because an empty one may have a meaning of its own.
func tree(v reflect.Value) yaml.MapSlice {
	out := yaml.MapSlice{}
	for _, f := range fieldsOf(v.Type()) {
		value := v.FieldByIndex(f.index)
		var item any
		switch x := value.Interface().(type) {
		case []Route:
			routes := yaml.MapSlice{}
			for _, r := range x {
				routes = append(routes, yaml.MapItem{Key: r.Path, Value: tree(reflect.ValueOf(r))})
			}
			item = routes
		case fmt.Stringer:
			item = x.String()
		case Path:
			item = string(x)
		default:
			switch value.Kind() {
			case reflect.Struct:
				item = tree(value)
			case reflect.Slice, reflect.Map:
				if value.IsNil() {
					continue
				}
				item = x
			case reflect.String:
				item = x
				if f.url {
					item = maskedURL(value.String())
				}
			default:
				item = x
			}
		}
		out = append(out, yaml.MapItem{Key: f.name, Value: item})
	}
	return out
}

// maskedURL returns a URL with its user and query masked and without its fragment. These may be secret.
func maskedURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return ""
	case err != nil || u.Opaque != "":
		return masked
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	out := bare.String()
	if u.User != nil {
		out = strings.Replace(out, "//", "//"+masked+"@", 1)
	}
	if u.RawQuery != "" {
		out += "?" + masked
	}
	return out
}
