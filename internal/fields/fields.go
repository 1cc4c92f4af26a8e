// Package fields copies values between structs by the names of their fields.
package fields

import "reflect"

// Fill sets each exported field of *dst that is zero to the field of defaults.
// It fills nested structs field by field.
func Fill[T any](dst *T, defaults T) {
	fill(reflect.ValueOf(dst).Elem(), reflect.ValueOf(defaults))
}

func fill(dst, defaults reflect.Value) {
	for i := range dst.NumField() {
		switch f := dst.Field(i); {
		case !f.CanSet():
		case f.Kind() == reflect.Struct:
			fill(f, defaults.Field(i))
		case f.IsZero():
			f.Set(defaults.Field(i))
		}
	}
}

// Copy sets each exported field of the struct that dst points to, to the field of
// the struct src that has its name and kind. It converts between types such as
// time.Duration and int64, and copies nested structs field by field. It leaves the
// other fields of dst as they are. The names of the fields of src that it has not
// copied are returned; those of a nested struct are joined by dots.
func Copy(dst, src any) (missed []string) {
	return copyFields(reflect.ValueOf(dst).Elem(), reflect.ValueOf(src), "")
}

func copyFields(dst, src reflect.Value, prefix string) (missed []string) {
	for i := range src.NumField() {
		from, name := src.Field(i), src.Type().Field(i).Name
		if !src.Type().Field(i).IsExported() {
			continue
		}
		to := dst.FieldByName(name)
		switch {
		case !to.IsValid() || !sameClass(from.Kind(), to.Kind()):
			missed = append(missed, prefix+name)
		case from.Kind() == reflect.Struct && from.Type() != to.Type():
			missed = append(missed, copyFields(to, from, prefix+name+".")...)
		case from.CanConvert(to.Type()):
			to.Set(from.Convert(to.Type()))
		default:
			missed = append(missed, prefix+name)
		}
	}
	return missed
}

// sameClass reports whether values of two kinds mean the same. An integer of
// another size does; a string, which Go converts an integer to, does not.
func sameClass(a, b reflect.Kind) bool {
	isInt := func(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Int64 }
	return a == b || isInt(a) && isInt(b)
}
