package admin

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

// The API reads JSON more strictly than encoding/json. It refuses a body that two parsers could read differently,
// as the message could go to other users than the sender meant.

// decode reads the body: one JSON object, with the fields of T only.
func decode[T any](r *http.Request) (v T, err error) {
	body, err := io.ReadAll(r.Body)
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		return v, err
	case err != nil:
		return v, badRequest("reading the body: %v", err)
	case !utf8.Valid(body):
		return v, badRequest("the body is not UTF-8")
	}
	if err := decodeObject(body, &v); err != nil {
		return v, badRequest("body: %v", err)
	}
	return v, nil
}

// decodeObject decodes a JSON object into a struct. A member has exactly the name of a json tag of the struct, in the
// same case, and occurs at most once. The error names the member.
func decodeObject(b []byte, into any) error {
	if !bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) {
		return errors.New("want a JSON object")
	}
	var object json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil { // also if data follows the object
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
			return fmt.Errorf("%q is given twice", name)
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

// decodeMember decodes the value of a member into the field with its name.
func decodeMember(name string, value []byte, into reflect.Value) error {
	var names []string
	for i := range into.NumField() {
		tag := into.Type().Field(i).Tag.Get("json")
		if tag == name {
			if err := json.Unmarshal(value, into.Field(i).Addr().Interface()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		names = append(names, tag)
	}
	return fmt.Errorf("unknown field %q: want one of %q", name, names)
}

// optional is the value of a field that may be left out. It may not be null.
type optional[T any] struct {
	set   bool
	value T
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *optional[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return errors.New("null is not allowed: leave the field out")
	}
	o.set = true
	switch any(&o.value).(type) {
	case *string, *[]string:
		// encoding/json replaces half of a surrogate pair with U+FFFD, which gives another text or another user.
		if escape := loneSurrogate(b); escape != "" {
			return fmt.Errorf("%s is half of a surrogate pair", escape)
		}
	}
	return json.Unmarshal(b, &o.value)
}

// integer is a whole number of 32 bits. JSON may write it as 1000, 1000.0 or 1e3.
type integer int32

// UnmarshalJSON implements json.Unmarshaler.
func (n *integer) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f != float64(int32(f)) {
		return errors.New("want a whole number")
	}
	*n = integer(f)
	return nil
}
