package host_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// serveUserScript serves a route whose on_publish does what the name of the user begins with. It records the users in
// asked.
func serveUserScript(t *testing.T, o host.Options) (h *host.Host, url string, asked *[]string) {
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

// numbered returns n names that begin with name.
func numbered(name string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%04d", name, i))
	}
	return names
}

// TestOnPublishOnceForAUser checks that a user who is listed twice receives a message once.
func TestOnPublishOnceForAUser(t *testing.T) {
	h, url, asked := serveUserScript(t, host.Options{Log: slog.New(slog.DiscardHandler)})
	ann := dialDo(t, url+"/c", "identify ann;send in")
	want(t, ann, "in")
	publish(t, h, host.Publication{Users: []string{"ann", "bob", "ann"}, Data: []byte("x")}, 1)
	if len(*asked) != 2 {
		t.Errorf("asked about %q", *asked)
	}
}

// TestOnPublishFaultsOnce checks that a publication for many users causes one fault at most, and that the length of its
// error is bounded.
func TestOnPublishFaultsOnce(t *testing.T) {
	h, url, asked := serveUserScript(t, host.Options{Log: slog.New(slog.DiscardHandler)})
	ann := dialDo(t, url+"/c", "identify ann;send in")
	want(t, ann, "in")
	publish := func(users []string) (host.Delivery, error) {
		return h.Publish(t.Context(), host.Publication{Route: "/c", Users: users, Data: []byte("x")})
	}
	d, err := publish(append(numbered("panics", 100), "ann"))
	if err == nil || d.Sockets != 1 || len(*asked) != 2 || h.Routes()[0].Faults != 1 {
		t.Errorf("%+v, asked %d times, %d faults", d, len(*asked), h.Routes()[0].Faults)
	}
	for _, users := range [][]string{numbered("refused", 100), numbered("fails", 100)} {
		*asked = nil
		d, err = publish(append(users, "zoe"))
		if err == nil || len(*asked) != 101 ||
			!strings.HasSuffix(err.Error(), "\nand 95 more") || strings.Count(err.Error(), "\n") != 5 {
			t.Errorf("%+v, asked %d times: %v", d, len(*asked), err)
		}
	}
}

// TestKeySpent checks that a publication with a key that failed after a part of it was sent is not repeated.
func TestKeySpent(t *testing.T) {
	h, url, asked := serveUserScript(t, host.Options{Log: slog.New(slog.DiscardHandler)})
	ann := dialDo(t, url+"/c", "identify ann;send in")
	want(t, ann, "in")
	p := host.Publication{Users: []string{"ann", "refused"}, Data: []byte("x"), Key: "k"}
	for _, again := range []bool{false, true} {
		*asked = nil
		d, err := h.Publish(t.Context(), p)
		if refused := (*host.RefusedError)(nil); !errors.Is(err, host.ErrKeySpent) || !errors.As(err, &refused) {
			t.Error(err)
		}
		if d.Sockets != 1 || d.Duplicate != again || (len(*asked) == 0) != again {
			t.Errorf("again %t: %+v, asked about %q", again, d, *asked)
		}
	}
}
