package admin

import (
	"strings"
	"testing"
)

// TestBatch checks that the results are in order, and that an error does not stop the publications after it.
func TestBatch(t *testing.T) {
	_, ws, c := newAPI(t, Options{})
	ann := dialScript(t, ws, "identify ann;join room")
	answer := c.post("batch", `{"publications": [
		{"route": "/c", "room": "room", "text": "1"},
		{"route": "/x", "all": true, "text": "2"},
		{"users": ["ann"], "text": "3"}
	]}`)
	results, _ := answer["results"].([]any)
	if len(results) != 3 || object(results[1], "error")["code"] != "unknown_route" {
		t.Fatalf("%v", results)
	}
	equalJSON(t, "the third", results[2], `{"delivery": {"sockets": 1, "nodes": 1}}`)
	wantMessage(t, ann, "1")
	wantMessage(t, ann, "3")
	wantMetric(t, c.server, `azuhost_api_requests_total{operation="batch",status="200"} 1`)
}

// TestBatchOfInvalidPublications checks that a publication that cannot be decoded is an error of its own.
func TestBatchOfInvalidPublications(t *testing.T) {
	_, ws, c := newAPI(t, Options{})
	ann := dialScript(t, ws, "identify ann")
	good := `{"users": ["ann"], "text": "x"}`
	wrong := []string{
		`{"users": ["ann"], "text": 5}`, `{"users": ["ann"], "text": "x", "x": 1}`, `1`, `null`, `[]`,
		`{"users": ["ann"], "users": ["bob"], "text": "x"}`,
	}
	answer := c.post("batch", `{"publications": [`+strings.Join(wrong, ", ")+`, `+good+`]}`)
	results, _ := answer["results"].([]any)
	if len(results) != len(wrong)+1 {
		t.Fatalf("%v", results)
	}
	for i, r := range results[:len(wrong)] {
		if object(r, "error")["code"] != "invalid_request" {
			t.Errorf("%s: %v", wrong[i], r)
		}
	}
	equalJSON(t, "the good one", results[len(wrong)], `{"delivery": {"sockets": 1, "nodes": 1}}`)
	wantMessage(t, ann, "x")
}
