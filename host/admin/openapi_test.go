package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is openapi.json. Its schemas are those of JSON Schema (OpenAPI 3.1).
type document struct {
	Paths      map[string]map[string]documented // by path and method, in lower case
	Components struct {
		Responses map[string]response
		Schemas   map[string]struct {
			Properties map[string]any
		}
	}
	schemas *jsonschema.Compiler
}

// documented is an operation in the document.
type documented struct {
	OperationID string
	Parameters  []parameter
	RequestBody *struct{}
	Responses   map[string]response
}

type parameter struct {
	Name, In string
	Required bool
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]any
}

// exchange is a request and its answer.
type exchange struct {
	req    *http.Request
	body   string
	res    *http.Response
	answer []byte
}

func readDocument(t *testing.T) *document {
	t.Helper()
	doc := &document{schemas: jsonschema.NewCompiler()}
	if err := json.Unmarshal(openAPI, doc); err != nil {
		t.Fatal(err)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.schemas.AddResource("openapi.json", raw); err != nil {
		t.Fatal(err)
	}
	return doc
}

// check validates a JSON text against the schema at a path of the document.
func (d *document) check(text []byte, path ...string) error {
	escape := strings.NewReplacer("~", "~0", "/", "~1") // RFC 6901
	for i, p := range path {
		path[i] = escape.Replace(p)
	}
	schema, err := d.schemas.Compile("openapi.json#/" + strings.Join(path, "/"))
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// validate reports what the document does not allow: a request that was accepted, and the status, the Content-Type
// and the body of the answer.
func (d *document) validate(t *testing.T, x exchange) {
	t.Helper()
	status := x.res.StatusCode
	what := fmt.Sprintf("%s %s %.300s: %d %.500s", x.req.Method, x.req.URL, x.body, status, x.answer)
	path, method := strings.TrimPrefix(x.req.URL.Path, "/api/v1"), strings.ToLower(x.req.Method)
	isHead := method == "head"
	if isHead {
		method = "get"
	}
	op, ok := d.Paths[path][method]
	if !ok {
		if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("%s: openapi.json does not have the operation", what)
		}
		return
	}
	kind := "application/problem+json"
	if status < 400 {
		kind = "application/json"
		if err := d.allows(op, path, x); err != nil {
			t.Errorf("%s: openapi.json does not allow the request: %v", what, err)
		}
	}
	r, ok := op.Responses[fmt.Sprint(status)]
	if !ok {
		t.Errorf("%s: openapi.json does not have the status", what)
		return
	}
	schema := []string{"paths", path, method, "responses", fmt.Sprint(status)}
	if name, isRef := strings.CutPrefix(r.Ref, "#/components/responses/"); isRef {
		schema = []string{"components", "responses", name}
	}
	if got := x.res.Header.Get("Content-Type"); got != kind {
		t.Errorf("%s: Content-Type %q, want %q", what, got, kind)
	}
	if isHead {
		return
	}
	if err := d.check(x.answer, append(schema, "content", kind, "schema")...); err != nil {
		t.Errorf("%s: the answer is not as openapi.json says: %v", what, err)
	}
}

// allows returns an error if the document does not allow the request.
func (d *document) allows(op documented, path string, x exchange) error {
	query := x.req.URL.Query()
	for name := range query {
		if !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.Name == name && p.In == "query" }) {
			return fmt.Errorf("unknown parameter %s", name)
		}
	}
	for _, p := range op.Parameters {
		if p.Required && !query.Has(p.Name) {
			return fmt.Errorf("%s is missing", p.Name)
		}
	}
	if op.RequestBody == nil {
		return nil
	}
	body := x.body
	if path == "/batch" {
		body = withoutErrors(body, x.answer)
	}
	return d.check([]byte(body), "paths", path, "post", "requestBody", "content", "application/json", "schema")
}

// withoutErrors returns a batch without the publications whose result is an error.
func withoutErrors(body string, answer []byte) string {
	var sent struct {
		Publications []json.RawMessage `json:"publications"`
	}
	var got struct{ Results []struct{ Error any } }
	if json.Unmarshal([]byte(body), &sent) != nil || json.Unmarshal(answer, &got) != nil ||
		len(got.Results) != len(sent.Publications) {
		return body
	}
	for i := len(got.Results) - 1; i >= 0; i-- {
		if got.Results[i].Error != nil {
			sent.Publications = slices.Delete(sent.Publications, i, i+1)
		}
	}
	b, _ := json.Marshal(sent)
	return string(b)
}

// TestOpenAPIOperations compares the operations with those of openapi.json.
func TestOpenAPIOperations(t *testing.T) {
	var got []string
	for path, methods := range readDocument(t).Paths {
		for method, op := range methods {
			got = append(got, strings.ToUpper(method)+" "+strings.TrimPrefix(path, "/")+" "+op.OperationID)
		}
	}
	want := []string{"GET openapi.json openapi"}
	for _, o := range (&Server{}).operations() {
		want = append(want, o.method+" "+o.path+" "+o.name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("openapi.json has\n%s\nserved is\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestOpenAPIFields compares the fields of the types with the properties of their schemas.
func TestOpenAPIFields(t *testing.T) {
	types := map[string]reflect.Type{
		"Publication":   reflect.TypeFor[publication](),
		"Batch":         reflect.TypeFor[batch](),
		"BatchResult":   reflect.TypeFor[batchResults](),
		"Disconnection": reflect.TypeFor[disconnection](),
		"RouteName":     reflect.TypeFor[routeBody](),
		"Problem":       reflect.TypeFor[problem](),
		"Delivery":      reflect.TypeFor[host.Delivery](),
		"Room":          reflect.TypeFor[host.RoomInfo](),
		"Connection":    reflect.TypeFor[host.ConnInfo](),
		"Route":         reflect.TypeFor[host.RouteInfo](),
		"Node":          reflect.TypeFor[nodeInfo](),
		"VersionChange": reflect.TypeFor[host.VersionChange](),
	}
	doc := readDocument(t)
	for name := range doc.Components.Schemas {
		if types[name] == nil {
			t.Errorf("no type has the schema %s", name)
		}
	}
	for name, typ := range types {
		var got, want []string
		for p := range doc.Components.Schemas[name].Properties {
			got = append(got, p)
		}
		for f := range typ.Fields() {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			want = append(want, tag)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: openapi.json has %v, the type %v", name, got, want)
		}
	}
}

// TestOpenAPIRefuses checks that openapi.json does not allow the publications that the API refuses. Bodies that are
// not JSON in UTF-8 are left out, as no schema applies to them.
func TestOpenAPIRefuses(t *testing.T) {
	doc := readDocument(t)
	for _, body := range wrongPublications {
		if !json.Valid([]byte(body)) || !utf8.ValidString(body) {
			continue
		}
		if err := doc.check([]byte(body), "components", "schemas", "Publication"); err == nil {
			t.Errorf("openapi.json allows %s", body)
		}
	}
}
