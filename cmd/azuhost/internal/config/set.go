package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// set gives a field the value that text stands for. base is the folder of
// relative paths. The error is what to say after the value.
func (f field) set(v reflect.Value, text, base string) error {
	switch p := v.Addr().Interface().(type) {
	case interface{ set(string) error }:
		if err := p.set(text); err != nil {
			return fmt.Errorf("%q %w", text, err)
		}
	case *Path:
		*p = Path(resolve(text, base))
	case *Secret:
		if err := p.parse(text); err != nil {
			return err // without the text
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
	return f.check(v, text)
}

// check holds a value that was just set against the field's tags.
func (f field) check(v reflect.Value, text string) error {
	if f.min != nil && v.Int() < *f.min {
		if *f.min == 1 {
			return fmt.Errorf("%s is too small: it must be more than 0", text)
		}
		least := reflect.New(v.Type()).Elem()
		least.SetInt(*f.min)
		return fmt.Errorf("%s is too small: the least is %v", text, least.Interface())
	}
	if len(f.oneOf) == 0 {
		return nil
	}
	for _, w := range f.oneOf {
		if text == w {
			return nil
		}
	}
	err := fmt.Errorf("%q is not one of %s", text, strings.Join(f.oneOf, ", "))
	if n, ok := nearest(text, f.oneOf); ok {
		err = fmt.Errorf("%w: did you mean %q?", err, n)
	}
	return err
}

// splitList reads a list in one string: items between commas.
func splitList(text string) []string {
	out := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

func resolve(path, base string) string {
	if path == "" || path == CacheAuto || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}
