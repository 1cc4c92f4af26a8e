package json_test

import (
	"bytes"
	stdjson "encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/azuhost/azuhost/sdk/go/json"
)

// std encodes v with encoding/json, without the escapes for HTML.
func std(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := stdjson.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestObject(t *testing.T) {
	got := string(json.New([]byte("x")).
		Str("type", "a \"quoted\"\nline").
		Int("n", math.MinInt64).
		Float("f", 0.1).
		Float("nan", math.NaN()).
		Bool("yes", true).
		Raw("list", json.Strings([]string{"a", "", "\\"})).
		Raw("none", json.Strings[string](nil)).
		Str("", "").
		Bytes())
	want := `x{"type":"a \"quoted\"\nline","n":-9223372036854775808,"f":0.1,"nan":null,"yes":true,` +
		`"list":["a","","\\"],"none":[],"":""}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(json.New(nil).Bytes()); got != "{}" {
		t.Errorf("an empty object is %s", got)
	}
}

func TestRead(t *testing.T) {
	v, err := json.Parse([]byte(` {"a": [1, "two", {"x":null}, [ ], true ], "b":{"c":"d"}, "\u0065": -1.5e2,` +
		` "dup":1, "dup":2} `))
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Get("b").Get("c").Str(); got != "d" {
		t.Errorf("b.c is %q", got)
	}
	if got, ok := v.Get("e").Float(); !ok || got != -150 {
		t.Errorf("e is %v, %v", got, ok)
	}
	if got, ok := v.Get("dup").Int(); !ok || got != 2 {
		t.Errorf("dup is %v, %v", got, ok)
	}
	var kinds []json.Kind
	for item := range v.Get("a").Items() {
		kinds = append(kinds, item.Kind())
	}
	want := []json.Kind{json.Number, json.String, json.Obj, json.Array, json.Bool}
	if !reflect.DeepEqual(kinds, want) {
		t.Errorf("the items are %v, want %v", kinds, want)
	}
	var names []string
	for name := range v.Members() {
		names = append(names, name)
	}
	if want := []string{"a", "b", "e", "dup", "dup"}; !reflect.DeepEqual(names, want) {
		t.Errorf("the members are %q, want %q", names, want)
	}
	none := v.Get("nope").Get("deeper")
	if _, ok := none.Int(); none.Exists() || none.Kind() != json.None || none.Str() != "" || ok || none.True() {
		t.Error("a member that does not exist has a value")
	}
	for range none.Items() {
		t.Error("a member that does not exist has an item")
	}
	if v.Get("a").Get("b").Exists() || v.Get("b").Str() != "" {
		t.Error("an array has members, or an object a text")
	}
}

func TestDepth(t *testing.T) {
	nested := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if _, err := json.Parse(nested(json.MaxDepth)); err != nil {
		t.Errorf("depth %d: %v", json.MaxDepth, err)
	}
	if _, err := json.Parse(nested(1 << 20)); err == nil {
		t.Error("a million levels are accepted")
	}
}

func TestAllocations(t *testing.T) {
	doc := []byte(`{"type":"message","room":"general","text":"hello"}`)
	buf := make([]byte, 0, 256)
	n := testing.AllocsPerRun(100, func() {
		v, err := json.Parse(doc)
		if err != nil || !v.Get("room").Exists() {
			t.Fatal("not read")
		}
		buf = json.New(buf[:0]).Str("type", "message").Int("at", 5).Bytes()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// tree returns a value as encoding/json does. ok is false if the value has a number that is too large, or if Is and Str
// disagree about a string.
func tree(v json.Value) (out any, ok bool) {
	ok = true
	switch v.Kind() {
	case json.Bool:
		return v.True(), true
	case json.Number:
		return v.Float()
	case json.String:
		return v.Str(), v.Is(v.Str()) && !v.Is(v.Str()+"x") && !v.Is("x"+v.Str())
	case json.Array:
		list := []any{}
		for item := range v.Items() {
			x, good := tree(item)
			list, ok = append(list, x), ok && good
		}
		return list, ok
	case json.Obj:
		object := map[string]any{}
		for name := range v.Members() {
			x, good := tree(v.Get(name))
			object[name], ok = x, ok && good
		}
		return object, ok
	}
	return nil, true
}

// FuzzParse compares Parse and Value with encoding/json.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"type":"ping"}`, `[1,-0,0.5,1e9,1E-2,"\ud83d\ude00","\ud800","\udc00\ud800x"]`,
		`{"a":{"b":[true,false,null]}}`, `01`, `1.`, `-`, `"\x"`, `"a`, `{"a" 1}`, `[1,]`, `{,}`, `nul`, ` `,
		"\"\x01\"", "\"\xff\"", `1 2`, `{"a":1,"\u0061":2}`, "\x00",
		`"\/\b\f\n\r\t\"\\"`, `1e999`, `tru`, `"\u12`, `"\u12g4"`, `[`, `{"a":`, "\ufeff{}", "[1\x00]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := json.Parse(data)
		valid := stdjson.Valid(data) && utf8.Valid(data)
		if err != nil {
			if valid && strings.Count(string(data), "[")+strings.Count(string(data), "{") <= json.MaxDepth {
				t.Fatalf("refused: %q", data)
			}
			return
		}
		if !valid {
			t.Fatalf("accepted: %q", data)
		}
		got, ok := tree(v)
		var want any
		if err := stdjson.Unmarshal(data, &want); (err == nil) != ok {
			t.Fatalf("%q: encoding/json returned %v, and tree %v", data, err, ok)
		} else if err != nil {
			return // a number that is too large
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is %#v, want %#v", data, got, want)
		}
	})
}

// FuzzWrite compares strings with those of encoding/json byte by byte, and parses an object again.
func FuzzWrite(f *testing.F) {
	f.Add("plain", int64(1), 1.5)
	f.Add("\x00\x1f\"\\/\b\f\n\r\t\x7f<>&", int64(-1), 1e21)
	f.Add("é\u2028\u2029\U0001F600\xff\xc3", int64(0), 1e-7)
	f.Fuzz(func(t *testing.T, s string, n int64, x float64) {
		if got, want := string(json.AppendString(nil, s)), std(t, s); got != want {
			t.Errorf("the string %q: got %s, want %s", s, got, want)
		}
		if got, want := string(json.AppendString(nil, []byte(s))), std(t, s); got != want {
			t.Errorf("the bytes %q: got %s, want %s", s, got, want)
		}
		doc := json.New(nil).Str(s, s).Int("n", n).Float("x", x).Bytes()
		v, err := json.Parse(doc)
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		if got, ok := v.Get("n").Int(); !ok || got != n {
			t.Errorf("%s: n is %d", doc, got)
		}
		if got, ok := v.Get("x").Float(); !math.IsNaN(x) && !math.IsInf(x, 0) && (!ok || got != x) {
			t.Errorf("%s: x is %v", doc, got)
		}
	})
}
