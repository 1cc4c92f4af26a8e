package host_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// TestNames checks which names of rooms, users, keys and timers the host functions accept.
func TestNames(t *testing.T) {
	long := strings.Repeat("n", abi.MaxName)
	good := []string{"a", long, "é", "with space", "a/b", "日本語", "0", "\u00a0"}
	bad := []string{
		"", long + "n", strings.Repeat("é", 128), "a\x00", "a\nb", "\x7f", "\u0085", "\u2028", "\u2029",
		"\xff", "a\xc3", "\xed\xa0\x80",
	}
	err := inHook(t, host.Limits{MaxRoomsPerConnection: 1000}, func(env host.Env, conn host.ConnID) error {
		calls := map[string]func(name string) error{
			"join":       func(n string) error { return env.Join(conn, n) },
			"leave":      func(n string) error { return env.Leave(conn, n) },
			"broadcast":  func(n string) error { return env.Broadcast(n, abi.Text, nil, 0) },
			"room_size":  func(n string) error { _, err := env.RoomSize(n); return err },
			"members":    func(n string) error { _, err := env.RoomMembers(n); return err },
			"room_users": func(n string) error { _, err := env.RoomUsers(n); return err },
			"identify": func(n string) error {
				if len(n) == 0 {
					return abi.Invalid // an empty name removes the user
				}
				return env.Identify(conn, n)
			},
			"online":    func(n string) error { _, err := env.Online(n); return err },
			"send_user": func(n string) error { return env.SendUser(n, abi.Text, nil) },
			"value_set": func(n string) error { return env.SetValue(conn, n, nil) },
			"store_set": func(n string) error { return env.StoreSet(n, nil, 0) },
			"timer_set": func(n string) error { return env.TimerSet(conn, n, 1e12) },
		}
		var errs []error
		for call, f := range calls {
			for _, n := range good {
				if err := f(n); err != nil {
					errs = append(errs, fmt.Errorf("%s(%.20q): %w", call, n, err))
				}
			}
			for _, n := range bad {
				if err := f(n); err != abi.Invalid {
					errs = append(errs, fmt.Errorf("%s(%.20q): %v", call, n, err))
				}
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestCloseCodes checks which close codes and reasons CloseConn accepts.
func TestCloseCodes(t *testing.T) {
	err := inHook(t, host.Limits{}, func(env host.Env, conn host.ConnID) error {
		var errs []error
		for code := -1; code < 6000; code++ {
			want := code == 1000 || code == 1001 || code == 1003 ||
				code >= 1007 && code <= 1013 || code >= 3000 && code <= 4999
			if err := env.CloseConn(conn, code, ""); (err == nil) != want {
				errs = append(errs, fmt.Errorf("%d: %v", code, err))
			}
		}
		for reason, want := range map[string]error{
			strings.Repeat("x", 123): nil, strings.Repeat("x", 124): abi.Invalid, "\xff": abi.Invalid,
		} {
			if err := env.CloseConn(conn, 4000, reason); err != want {
				errs = append(errs, fmt.Errorf("reason %.10q: %v", reason, err))
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestKindsAndUTF8 checks the errors of unknown kinds, of text that is not UTF-8, and of unknown connections.
func TestKindsAndUTF8(t *testing.T) {
	err := inHook(t, host.Limits{}, func(env host.Env, conn host.ConnID) error {
		var errs []error
		for name, err := range map[string]error{
			"kind 0": env.Send(conn, 0, nil), "kind 8": env.BroadcastAll(8, nil, 0),
			"bad text": env.Send(conn, abi.Text, []byte("\xff")),
		} {
			if err != abi.Invalid {
				errs = append(errs, fmt.Errorf("%s: %v", name, err))
			}
		}
		for name, err := range map[string]error{
			"send": env.Send(999999, abi.Text, nil), "close": env.CloseConn(999999, 1000, ""),
			"join": env.Join(999999, "a"), "value": env.SetValue(999999, "a", nil),
			"timer": env.TimerSet(999999, "a", 0),
		} {
			if err != abi.NotFound {
				errs = append(errs, fmt.Errorf("%s of an unknown connection: %v", name, err))
			}
		}
		return errors.Join(append(errs, env.Send(conn, abi.Binary, []byte("\xff")))...)
	})
	if err != nil {
		t.Error(err)
	}
}
