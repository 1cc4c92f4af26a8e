package urlquery

import (
	"net/url"
	"slices"
	"testing"
	"unicode/utf8"
)

// TestAll has the cases of web-platform-tests, url/urlencoded-parser.any.js, and those
// that net/url refuses.
func TestAll(t *testing.T) {
	for query, want := range map[string][]string{
		"":                                 {},
		"test":                             {"test", ""},
		"test=":                            {"test", ""},
		"&":                                {},
		"&a=1&&b=2&":                       {"a", "1", "b", "2"},
		"=":                                {"", ""},
		"=x":                               {"", "x"},
		"a=b=c":                            {"a", "b=c"},
		"a+b=c+d":                          {"a b", "c d"},
		"name=ann;x":                       {"name", "ann;x"},
		"a;b=c;d":                          {"a;b", "c;d"},
		"name=100%":                        {"name", "100%"},
		"a=%":                              {"a", "%"},
		"a=%a":                             {"a", "%a"},
		"a=%zz":                            {"a", "%zz"},
		"a=%%41":                           {"a", "%A"},
		"a=%2B%26%3D%25":                   {"a", "+&=%"},
		"a=%c3%A9":                         {"a", "é"},
		"id=0&value=%":                     {"id", "0", "value", "%"},
		"b=%2sf%2a":                        {"b", "%2sf*"},
		"b=%2%2af%2a":                      {"b", "%2*f*"},
		"b=%%2a":                           {"b", "%*"},
		"a=%FF":                            {"a", "\ufffd"},
		"a=%E2%82":                         {"a", "\ufffd"},
		"a=%E2%82x":                        {"a", "\ufffdx"},
		"a=%C2x%CC%EF%BB%BF":               {"a", "\ufffdx\ufffd\ufeff"},
		"%FE%FF":                           {"\ufffd\ufffd", ""},
		"%EF%BB%BFtest=%EF%BB%BF":          {"\ufefftest", "\ufeff"},
		"a=%ED%A0%80":                      {"a", "\ufffd\ufffd\ufffd"},
		"\u2020&=\u2020":                   {"\u2020", "", "", "\u2020"},
		"_charset_=windows-1252&test=%C2x": {"_charset_", "windows-1252", "test", "\ufffdx"},
	} {
		got := []string{}
		for name, value := range All(query) {
			got = append(got, name, value)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}

func TestGet(t *testing.T) {
	if v, ok := Get("a=1&b=2&a=3", "a"); v != "1" || !ok {
		t.Errorf("a: %q, %v", v, ok)
	}
	if v, ok := Get("a=1", "b"); v != "" || ok {
		t.Errorf("b: %q, %v", v, ok)
	}
}

// FuzzAll compares the parser with net/url where that accepts the query.
func FuzzAll(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a=%zz", "a;b", "%E2%82=+", "&&=&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		got := map[string][]string{}
		valid := utf8.ValidString(query)
		for name, value := range All(query) {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				t.Fatalf("%q: %q=%q is not UTF-8", query, name, value)
			}
			got[name] = append(got[name], value)
		}
		want, err := url.ParseQuery(query)
		if err != nil || !valid {
			return
		}
		for name, values := range want {
			if !utf8.ValidString(name) {
				return
			}
			for _, v := range values {
				if !utf8.ValidString(v) {
					return
				}
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %q, want %q", query, got, want)
		}
		for name, values := range want {
			if !slices.Equal(got[name], values) {
				t.Fatalf("%q: %q is %q, want %q", query, name, got[name], values)
			}
		}
	})
}
