package host_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// TestChannelPanics checks that a panic of a Channel fails the hook only, and rolls back its changes of the store.
func TestChannelPanics(t *testing.T) {
	_, url := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: panicking{}}}})
	wantStatus(t, refused(t, url+"/c?do=panic"), 500)
	c := dial(t, url+"/c")
	do(t, c, "panic", internalError)
	do(t, c, "store", "1") // the store is not locked, and the change is rolled back
}

// panicking is a Channel that panics after it has changed the store, if the data of the event ends in "panic".
type panicking struct{}

func (panicking) Has(abi.Hook) bool { return true }

func (panicking) Run(_ context.Context, ev *host.Event, env host.Env) error {
	if text := string(ev.Data); strings.HasSuffix(text, "panic") {
		_, _ = env.StoreAdd("n", 1, 0)
		panic("on purpose")
	} else if text == "store" {
		if _, err := env.StoreAdd("n", 1, 0); err != nil {
			return err
		}
		p, _ := env.StoreGet("n")
		_ = env.Send(ev.Conn, abi.Text, p)
	}
	return nil
}

// TestFailInGo checks that a hook in Go that has called Fail fails, whatever it returns, and that the log contains the
// text.
func TestFailInGo(t *testing.T) {
	f := &host.Funcs{OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
		if string(m.Data) == "fail" {
			env.Fail("no luck")
		}
		return errors.Join(env.SetValue(conn, "k", m.Data), env.Send(conn, abi.Text, m.Data))
	}}
	var log logBuffer
	_, url := serve(t, host.Options{
		Log: slog.New(slog.NewTextHandler(&log, nil)), Routes: []host.Route{{Path: "/c", Channel: f}},
	})
	c := dial(t, url+"/c")
	do(t, c, "fail", internalError)
	do(t, c, "next", "next")
	if text := log.String(); !strings.Contains(text, "on_message failed with -8: no luck") {
		t.Errorf("the text of Fail is not in the log:\n%s", text)
	}
}
