package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/fields"
)

// TestNamesAreUnique finds variables and flags that set two keys. Variables have "_" inside the names of keys and
// between them, so two keys can have the same variable.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]string{EnvFile: "the config file"}
	for _, k := range Keys() {
		if k.Doc == "" {
			t.Errorf("%s has no doc", k.Name)
		}
		for _, n := range []string{k.Env, "--" + k.Flag} {
			if n == "" || n == "--" {
				continue
			}
			if other, ok := seen[n]; ok {
				t.Errorf("%s sets both %s and %s", n, other, k.Name)
			}
			seen[n] = k.Name
		}
	}
}

// TestDefaultsAreValid: every default is valid in a file.
func TestDefaultsAreValid(t *testing.T) {
	for _, k := range Keys() {
		if k.Type == "map" || k.Type == "list" || k.Default == `""` {
			continue
		}
		if err := k.Validate(k.Default); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
}

// TestOptionsAreComplete finds options of the host that Config.Options does not set.
func TestOptionsAreComplete(t *testing.T) {
	c := Default()
	c.Routes = []Route{c.Defaults}
	fill(reflect.ValueOf(c).Elem())
	c.Auth.RequireExpiry = false // the option AllowNoExpiry is its opposite
	o := c.Options()
	skip := map[string]bool{"Log": true, "Registry": true, "Channel": true, "Clock": true, "offline": true}
	var walk func(name string, v reflect.Value)
	walk = func(name string, v reflect.Value) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if skip[f.Name] {
				continue
			}
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s is not set", name, f.Name)
			}
			if v.Field(i).Kind() == reflect.Struct {
				walk(name+"."+f.Name, v.Field(i))
			}
		}
	}
	walk("Options", reflect.ValueOf(o))
	walk("Auth", reflect.ValueOf(*o.Auth))
	walk("Route", reflect.ValueOf(o.Routes[0]))
}

// fill sets every field of the schema that is zero to another value.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case v.Type().Field(i).PkgPath != "":
		case f.Kind() == reflect.Struct:
			fill(f)
		case f.Type() == reflect.TypeFor[[]Route]():
			for j := range f.Len() {
				fill(f.Index(j))
			}
		case !f.IsZero():
		case f.Kind() == reflect.Slice:
			f.Set(reflect.ValueOf([]string{"x"}))
		case f.Kind() == reflect.Map:
			f.Set(reflect.ValueOf(map[string]any{"x": 1}))
		case f.Kind() == reflect.String:
			f.SetString("x")
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		default:
			f.SetInt(1)
		}
	}
}

// TestDefaultsAreTheHosts compares the defaults of keys to those that the comments of the host's options name, as in
// "0: 10 s." or "Empty: Single.".
func TestDefaultsAreTheHosts(t *testing.T) {
	documented := hostDefaults(t)
	o := Default().Options()
	r := Default().Defaults.options()
	found := 0
	for _, s := range []any{o, o.Drain, o.Broker, *Default().Auth.options(), r, r.Limits, r.Limits.Module} {
		v := reflect.ValueOf(s)
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			text, ok := documented[name]
			if !ok {
				continue
			}
			found++
			if got := hostStyle(v.Field(i).Interface()); got != text {
				t.Errorf("the default of %s is %s, the host's comment says %s", name, got, text)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d defaults found in the host's comments", found)
	}
}

// hostDefaults returns the defaults that the comments of the host's options name, by "Struct.Field".
func hostDefaults(t *testing.T) map[string]string {
	t.Helper()
	named := regexp.MustCompile(`(?s)\b(?:0|Empty): ([0-9][^.]*|[A-Z][A-Za-z]*)\.`)
	out := map[string]string{}
	for _, file := range []string{"options.go", "cluster.go", "auth.go", "limits.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), "../../../../host/"+file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			st, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, field := range st.Fields.List {
				if m := named.FindStringSubmatch(strings.Join(strings.Fields(field.Doc.Text()), " ")); m != nil {
					out[spec.Name.Name+"."+field.Names[0].Name] = m[1]
				}
			}
			return false
		})
	}
	return out
}

// hostStyle formats a value as the comments of the host's options do.
func hostStyle(v any) string {
	number := func(n int64) string {
		for _, u := range []struct {
			name string
			size int64
		}{{" MiB", 1 << 20}, {" KiB", 1 << 10}} {
			if n != 0 && n%u.size == 0 && n/u.size < 100_000 {
				return thousands(n/u.size) + u.name
			}
		}
		return thousands(n)
	}
	switch x := v.(type) {
	case time.Duration:
		return strings.NewReplacer("ms", " ms", "s", " s", "m", " min", "h", " h").Replace(Duration(x).String())
	case int:
		return number(int64(x))
	case int64:
		return number(x)
	case host.Instances, host.Metering, host.SlowReader, host.OnFault, host.AuthMode, host.AuthRefusal, host.Store:
		return map[string]string{
			"single": "Single", "fuel": "MeterFuel", "close": "SlowClose", "keep": "FaultKeep",
			"none": "AuthNone", "status": "RefuseStatus", "memory": "StoreMemory",
		}[reflect.ValueOf(v).String()]
	}
	return ""
}

// thousands formats n with commas between groups of three digits.
func thousands(n int64) string {
	if n < 1000 {
		return Size(n).String()
	}
	s := thousands(n / 1000)
	d := Size(n%1000 + 1000).String()
	return s + "," + d[1:]
}

// TestLimitsOfModulesAreKeys: the limits that package wasm names in its errors are keys.
func TestLimitsOfModulesAreKeys(t *testing.T) {
	src, err := os.ReadFile("../../../../internal/wasm/limit.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{"defaults.limits.max_memory_pages": true} // no key: limits.memory bounds it
	for _, k := range Keys() {
		keys[k.Name] = true
	}
	named := regexp.MustCompile(`limits\.max_[a-z_]+`).FindAllString(string(src), -1)
	if len(named) < 20 {
		t.Fatalf("only %d keys found", len(named))
	}
	for _, n := range named {
		if n != "limits.max_" && !keys["defaults."+n] {
			t.Errorf("%s is not a key", n)
		}
	}
}

// TestEveryOptionHasAKey finds options of the host that have no key.
func TestEveryOptionHasAKey(t *testing.T) {
	missed := func(dst, src any) []string { return fields.Copy(dst, src) }
	for what, tc := range map[string]struct{ got, want []string }{
		"Options": {missed(&Config{}, host.Options{}), []string{"Log", "Clock", "Registry", "Routes", "Auth"}},
		"Auth":    {missed(&Auth{}, host.Auth{}), []string{"AllowNoExpiry"}},
		"Route":   {missed(&Route{}, host.Route{}), []string{"Channel", "Allow"}},
	} {
		if !slices.Equal(tc.got, tc.want) {
			t.Errorf("%s: %q have no key, want %q", what, tc.got, tc.want)
		}
	}
}
