package config

import (
	"fmt"
	"io"
	"reflect"

	"github.com/goccy/go-yaml"
)

// Print writes the configuration as a file would have it, defaults included.
// Secrets are masked.
func (c *Config) Print(w io.Writer) error {
	data, err := yaml.MarshalWithOptions(tree(reflect.ValueOf(c).Elem()), yaml.Indent(2), yaml.IndentSequence(true))
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// tree turns a struct of the schema into what the YAML library writes. Lists
// and maps that are not set are left out: one that is empty may say something.
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
			default:
				item = x
			}
		}
		out = append(out, yaml.MapItem{Key: f.name, Value: item})
	}
	return out
}
