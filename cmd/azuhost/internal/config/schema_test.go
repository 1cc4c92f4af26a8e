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

// TestNamesAreUnique: "_" is both inside names and between them in variables,
// so that two keys could end up with one variable.
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
				t.Errorf("%s is the name of %s and %s", n, other, k.Name)
			}
			seen[n] = k.Name
		}
	}
}

// TestDefaultsAreValid: every default is accepted when it is written out.
func TestDefaultsAreValid(t *testing.T) {
	for _, k := range Keys() {
		if k.Type == "map" || k.Type == "list" || k.Default == `""` {
			continue
		}
		if err := k.Try(k.Default); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
}

// TestOptionsAreComplete: a new option of the host needs a key here.
func TestOptionsAreComplete(t *testing.T) {
	c := Default()
	c.Routes = []Route{c.Defaults}
	fill(reflect.ValueOf(c).Elem())
	c.Auth.RequireExpiry = false // its option says the opposite
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

// fill gives every field of the schema that is zero another value.
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

// TestDefaultsAreTheHosts reads the defaults of the host from the comments of
// its options, which say "0: 10 s." or "Empty: Single.".
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
				t.Errorf("%s is %s here, the host says %s", name, got, text)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d defaults found in the host's comments", found)
	}
}

// hostDefaults maps "Struct.Field" to the default that the comment names.
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

// hostStyle writes a value as the comments of the host do.
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

func thousands(n int64) string {
	if n < 1000 {
		return Size(n).String()
	}
	s := thousands(n / 1000)
	d := Size(n%1000 + 1000).String()
	return s + "," + d[1:]
}

// TestLimitsOfModulesAreKeys: the scanner's errors name keys.
func TestLimitsOfModulesAreKeys(t *testing.T) {
	src, err := os.ReadFile("../../../../internal/wasm/limit.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{"defaults.limits.max_memory_pages": true} // named limits.memory to users
	for _, k := range Keys() {
		keys[k.Name] = true
	}
	named := regexp.MustCompile(`limits\.max_[a-z_]+`).FindAllString(string(src), -1)
	if len(named) < 20 {
		t.Fatalf("only %d keys found", len(named))
	}
	for _, n := range named {
		if n != "limits.max_" && !keys["defaults."+n] {
			t.Errorf("%s is no key", n)
		}
	}
}

// TestEveryOptionHasAKey finds options of the host that a file cannot set.
func TestEveryOptionHasAKey(t *testing.T) {
	missed := func(dst, src any) []string { return fields.Copy(dst, src) }
	for what, tc := range map[string]struct{ got, want []string }{
		"Options": {missed(&Config{}, host.Options{}), []string{"Log", "Clock", "Registry", "Routes", "Auth"}},
		"Auth":    {missed(&Auth{}, host.Auth{}), []string{"AllowNoExpiry"}},
		"Route":   {missed(&Route{}, host.Route{}), []string{"Channel", "Allow"}},
	} {
		if !slices.Equal(tc.got, tc.want) {
			t.Errorf("%s: no key sets %q, want %q", what, tc.got, tc.want)
		}
	}
}
