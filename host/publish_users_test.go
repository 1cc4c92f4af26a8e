package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// askedAboutUsers has a route whose on_publish answers as the user's name says, and
// notes whom it was asked about.
func askedAboutUsers(t *testing.T, o host.Options) (h *host.Host, url string, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	f := scriptInGo()
	f.OnPublish = func(env host.Env, to host.Target, m host.Message) error {
		*asked = append(*asked, to.User)
		switch {
		case strings.HasPrefix(to.User, "refused"):
			return host.Refusal(403)
		case strings.HasPrefix(to.User, "fails"):
			return errors.New("no luck")
		case strings.HasPrefix(to.User, "panics"):
			panic(strings.Repeat("long ", 10_000))
		}
		return env.SendUser(to.User, m.Kind, m.Data)
	}
	o.Routes = []host.Route{{Path: "/c", Channel: f}}
	h, url = serve(t, o)
	return h, url, asked
}

func numbered(name string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%04d", name, i))
	}
	return names
}

// TestOnPublishOnceForAUser: who is named twice gets a message once.
func TestOnPublishOnceForAUser(t *testing.T) {
	h, url, asked := askedAboutUsers(t, host.Options{Log: slog.New(slog.DiscardHandler)})
	ann := dialDo(t, url+"/c", "i ann;s in")
	want(t, ann, "in")
	publish(t, h, host.Publication{Users: []string{"ann", "bob", "ann"}, Data: []byte("x")}, 1)
	if len(*asked) != 2 {
		t.Errorf("asked about %q", *asked)
	}
}

// TestOnPublishFaultsOnce: a publication for many users is one fault, and its error has
// a bound, in the answer and in the log.
func TestOnPublishFaultsOnce(t *testing.T) {
	var log bytes.Buffer
	h, url, asked := askedAboutUsers(t, host.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	ann := dialDo(t, url+"/c", "i ann;s in")
	want(t, ann, "in")
	d, err := h.Publish(t.Context(), host.Publication{Route: "/c", Users: append(numbered("panics", 100), "ann"), Data: []byte("x")})
	if err == nil || d.Sockets != 1 || len(*asked) != 2 || h.Routes()[0].Faults != 1 {
		t.Errorf("%+v, asked %d times, %d faults", d, len(*asked), h.Routes()[0].Faults)
	}
	for _, users := range [][]string{numbered("refused", 100), numbered("fails", 100)} {
		*asked = nil
		d, err = h.Publish(t.Context(), host.Publication{Route: "/c", Users: append(users, "zoe"), Data: []byte("x")})
		if err == nil || len(*asked) != 101 || !strings.HasSuffix(err.Error(), "\nand 95 more") || strings.Count(err.Error(), "\n") != 5 {
			t.Errorf("%+v, asked %d times: %v", d, len(*asked), err)
		}
	}
	log.Reset()
	c := newAPIClient(t, h)
	c.want(500, "hook_failed", "POST", "publish", `{"route": "/c", "users": ["panics"], "text": "x"}`)
	_, line, ok := strings.Cut(log.String(), "publication failed")
	line, _, _ = strings.Cut(line, "\n")
	if !ok || len(line) > 5000 || !strings.Contains(line, "bytes)") {
		t.Errorf("logged %d bytes: %.300s", len(line), line)
	}
}

// TestKeySpent: a publication with a key that failed after some of it went out says so,
// and is not done again; one of which nothing went out is.
func TestKeySpent(t *testing.T) {
	h, url, asked := askedAboutUsers(t, host.Options{Log: slog.New(slog.DiscardHandler)})
	ann := dialDo(t, url+"/c", "i ann;s in")
	want(t, ann, "in")
	c := newAPIClient(t, h)
	for name, status := range map[string]int{"refused": 403, "fails": 500} {
		body := fmt.Sprintf(`{"route": "/c", "users": ["ann", %q], "text": "x", "key": %q}`, name, name)
		for _, again := range []bool{false, true} {
			*asked = nil
			delivery, _ := c.want(status, "key_spent", "POST", "publish", body)["delivery"].(map[string]any)
			if delivery["sockets"] != 1.0 || (delivery["duplicate"] == true) != again || (len(*asked) == 0) != again {
				t.Errorf("%s, again %t: %v, asked about %q", name, again, delivery, *asked)
			}
		}
		want(t, ann, "x")
		body = fmt.Sprintf(`{"route": "/c", "users": [%q], "text": "x", "key": "of nobody"}`, name)
		for range 2 {
			*asked = nil
			if c.want(status, map[int]string{403: "refused", 500: "hook_failed"}[status], "POST", "publish", body); len(*asked) != 1 {
				t.Errorf("%s: asked about %q", name, *asked)
			}
		}
	}
	_, err := h.Publish(t.Context(), host.Publication{Users: []string{"ann", "refused"}, Data: []byte("x"), Key: "k"})
	if refused := (*host.RefusedError)(nil); !errors.Is(err, host.ErrKeySpent) || !errors.As(err, &refused) {
		t.Error(err)
	}
}
