package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// How the API reads bodies: more strictly than encoding/json. What two readers could
// take for two messages is refused, as it may go to somebody else than was meant.

// decode reads the body: one JSON object, and nothing that T does not have.
func decode[T any](r *http.Request) (v T, err error) {
	body, err := io.ReadAll(r.Body)
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		return v, err
	case err != nil:
		return v, badRequest("the body did not come: %v", err)
	case !utf8.Valid(body):
		return v, badRequest("the body is not UTF-8")
	}
	if err := decodeObject(body, &v); err != nil {
		return v, badRequest("the body: %v", err)
	}
	return v, nil
}

// decodeObject decodes a JSON object into a struct, by the names that its fields have in
// JSON. Each may be there once, in this case. An error names the member that is wrong.
func decodeObject(b []byte, into any) error {
	if !bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) {
		return errors.New("a JSON object is needed")
	}
	var all json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil { // also what is behind the object
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return fmt.Errorf("%q is there twice", name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if err := decodeMember(name, value, reflect.ValueOf(into).Elem()); err != nil {
			return err
		}
	}
	return nil
}

// decodeMember decodes a member of an object into the field of its name.
func decodeMember(name string, value []byte, into reflect.Value) error {
	var names []string
	for i := range into.NumField() {
		field := into.Type().Field(i).Tag.Get("json")
		if field == name {
			if err := json.Unmarshal(value, into.Field(i).Addr().Interface()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		names = append(names, field)
	}
	return fmt.Errorf("unknown field %q: want one of %q", name, names)
}

// given is a field that may be left out. null is not the same.
type given[T any] struct {
	set bool
	v   T
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *given[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return errors.New("null is not a value here: leave the field out")
	}
	g.set = true
	switch any(&g.v).(type) {
	case *string, *[]string:
		// encoding/json has U+FFFD for it: another text, or another user.
		if half := loneSurrogate(b); half != "" {
			return fmt.Errorf("%s is half a character", half)
		}
	}
	return json.Unmarshal(b, &g.v)
}

// loneSurrogate finds an escape such as \ud800 that has not its other half beside it, in
// valid JSON; "": there is none.
func loneSurrogate(b []byte) string {
	const length = len(`\ud800`)
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		switch unit := surrogate(b[i:]); {
		case unit == 0:
			i++ // what is escaped is no beginning of an escape
		case unit < 0xdc00 && surrogate(b[i+length:]) >= 0xdc00:
			i += 2*length - 1
		default:
			return string(b[i : i+length])
		}
	}
	return ""
}

// surrogate is the half of a character that b begins with an escape of; 0: none.
func surrogate(b []byte) uint64 {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0
	}
	if unit, err := strconv.ParseUint(string(b[2:6]), 16, 16); err == nil && unit >= 0xd800 && unit < 0xe000 {
		return unit
	}
	return 0
}

// whole is a whole number of at most 32 bits. JSON may have it as 1000, 1000.0 or 1e3.
type whole int32

// UnmarshalJSON implements json.Unmarshaler.
func (n *whole) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f != float64(int32(f)) {
		return errors.New("want a whole number")
	}
	*n = whole(f)
	return nil
}
