package host_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// openAPI is openapi.json. Its schemas are those of JSON Schema (OpenAPI 3.1).
type openAPI struct {
	Paths      map[string]map[string]described
	Components struct {
		Responses map[string]response
		Schemas   map[string]struct {
			Properties map[string]any
		}
	}
	schemas *jsonschema.Compiler
}

type described struct {
	OperationID string
	Parameters  []struct {
		Name, In string
		Required bool
	}
	RequestBody *struct{}
	Responses   map[string]response
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]any
}

func readOpenAPI(t *testing.T) *openAPI {
	t.Helper()
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	doc := &openAPI{schemas: jsonschema.NewCompiler()}
	if err := json.Unmarshal(text, doc); err != nil {
		t.Fatal(err)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.schemas.AddResource("openapi.json", raw); err != nil {
		t.Fatal(err)
	}
	return doc
}

// check holds a JSON text against the schema at a place of the document.
func (d *openAPI) check(text []byte, place ...string) error {
	for i, p := range place {
		place[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1")
	}
	schema, err := d.schemas.Compile("openapi.json#/" + strings.Join(place, "/"))
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// validate holds a request and its answer against the document.
func (d *openAPI) validate(t *testing.T, req *http.Request, body string, res *http.Response, answer []byte) {
	t.Helper()
	what := fmt.Sprintf("%s %s %.300s: %d %.500s", req.Method, req.URL, body, res.StatusCode, answer)
	path, method := strings.TrimPrefix(req.URL.Path, "/api/v1"), strings.ToLower(req.Method)
	op, ok := d.Paths[path][strings.Replace(method, "head", "get", 1)]
	if !ok {
		if res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: openapi.json does not have it", what)
		}
		return
	}
	if res.StatusCode < 400 {
		if err := d.allows(op, path, req, body, answer); err != nil {
			t.Errorf("%s: openapi.json does not allow the request: %v", what, err)
		}
	}
	kind := map[bool]string{true: "application/json", false: "application/problem+json"}[res.StatusCode < 400]
	place := []string{"paths", path, strings.Replace(method, "head", "get", 1), "responses"}
	status := fmt.Sprint(res.StatusCode)
	r, ok := op.Responses[status]
	switch name, isRef := strings.CutPrefix(r.Ref, "#/components/responses/"); {
	case !ok:
		t.Errorf("%s: openapi.json does not have the status", what)
		return
	case isRef:
		place = []string{"components", "responses", name}
	default:
		place = append(place, status)
	}
	if got := res.Header.Get("Content-Type"); got != kind {
		t.Errorf("%s: Content-Type %q, want %q", what, got, kind)
	}
	if method == "head" {
		return
	}
	if err := d.check(answer, append(place, "content", kind, "schema")...); err != nil {
		t.Errorf("%s: the answer is not as openapi.json says: %v", what, err)
	}
}

// allows says what the document does not allow in a request.
func (d *openAPI) allows(op described, path string, req *http.Request, body string, answer []byte) error {
	for name := range req.URL.Query() {
		if !slices.ContainsFunc(op.Parameters, func(p struct {
			Name, In string
			Required bool
		}) bool {
			return p.Name == name && p.In == "query"
		}) {
			return fmt.Errorf("the parameter %s", name)
		}
	}
	for _, p := range op.Parameters {
		if p.Required && !req.URL.Query().Has(p.Name) {
			return fmt.Errorf("%s is missing", p.Name)
		}
	}
	if op.RequestBody == nil {
		return nil
	}
	if path == "/batch" {
		body = accepted(body, answer)
	}
	return d.check([]byte(body), "paths", path, "post", "requestBody", "content", "application/json", "schema")
}

// accepted is a batch without the publications that have an error for a result.
func accepted(body string, answer []byte) string {
	var batch struct {
		Publications []json.RawMessage `json:"publications"`
	}
	var got struct{ Results []struct{ Error any } }
	if json.Unmarshal([]byte(body), &batch) != nil || json.Unmarshal(answer, &got) != nil || len(got.Results) != len(batch.Publications) {
		return body
	}
	for i := len(got.Results) - 1; i >= 0; i-- {
		if got.Results[i].Error != nil {
			batch.Publications = slices.Delete(batch.Publications, i, i+1)
		}
	}
	b, _ := json.Marshal(batch)
	return string(b)
}

// TestOpenAPIOperations: what is served is described, and the other way round.
func TestOpenAPIOperations(t *testing.T) {
	var got, want []string
	for path, methods := range readOpenAPI(t).Paths {
		for method, op := range methods {
			got = append(got, strings.ToUpper(method)+" "+strings.TrimPrefix(path, "/")+" "+op.OperationID)
		}
	}
	want = append(host.APIOperations(), "GET openapi.json openapi")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("openapi.json has\n%s\nserved is\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestOpenAPIFields: what a type has is described, and the other way round.
func TestOpenAPIFields(t *testing.T) {
	doc := readOpenAPI(t)
	types := host.APITypes()
	for _, v := range []any{host.Delivery{}, host.RoomInfo{}, host.ConnInfo{}, host.RouteInfo{}, host.NodeInfo{}, host.VersionChange{}} {
		name := map[string]string{"RoomInfo": "Room", "ConnInfo": "Connection", "RouteInfo": "Route", "NodeInfo": "Node"}[reflect.TypeOf(v).Name()]
		if name == "" {
			name = reflect.TypeOf(v).Name()
		}
		types[name] = reflect.TypeOf(v)
	}
	for name := range doc.Components.Schemas {
		if types[name] == nil {
			t.Errorf("the schema %s is of no type", name)
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

// TestOpenAPIRefuses: the document does not allow what the API refuses, as far as
// it can say so.
func TestOpenAPIRefuses(t *testing.T) {
	doc := readOpenAPI(t)
	for _, body := range wrongPublications {
		if !json.Valid([]byte(body)) || !utf8.ValidString(body) {
			continue
		}
		if err := doc.check([]byte(body), "components", "schemas", "Publication"); err == nil {
			t.Errorf("openapi.json allows %s", body)
		}
	}
}
