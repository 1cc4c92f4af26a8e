package host_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// TestTimers checks that timers of connections and of the route can be set, replaced and cleared, and that those of a
// connection end with it.
func TestTimers(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		h, url := serve(t, host.Options{Routes: []host.Route{r}})
		c, other := dial(t, url+"/c"), dial(t, url+"/c")
		do(t, c, "timer_set send mine", "mine")
		send(t, c, "channel_timer_set broadcast_all everyone's")
		want(t, c, "everyone's")
		want(t, other, "everyone's")
		// A timer that is set again fires at the new time. One that is cleared does not fire.
		do(t, c, "timer_set send early|3600000;timer_set send early;send set", "set", "early")
		do(t, c, strings.Repeat("timer_set send never;timer_clear send never;", 200))
		do(t, c, "timer_set send never;timer_clear send never;"+
			"timer_set send later|3600000;timer_clear send later;send end", "end")
		do(t, c, "timer_clear send unknown", "!2") // NOT_FOUND
		wantMetric(t, h, `azuhost_timers{route="/c"}`, 0)
		do(t, c, "timer_set send a|3600000;timer_set send b|3600000;send end", "end")
		wantMetric(t, h, `azuhost_timers{route="/c"}`, 2)
		_ = c.CloseNow() // its timers end with it
		wantMetric(t, h, `azuhost_timers{route="/c"}`, 0)
	})
}

// TestTimerLimit checks that Limits.Timers bounds the timers of a route, and that a negative delay is invalid.
func TestTimerLimit(t *testing.T) {
	err := inHook(t, host.Limits{Timers: 2}, func(env host.Env, conn host.ConnID) error {
		for _, name := range []string{"a", "b", "a"} { // the second "a" replaces the first
			if err := env.TimerSet(conn, name, time.Hour); err != nil {
				return err
			}
		}
		if err := env.TimerSet(0, "c", 0); err != abi.Limit {
			return fmt.Errorf("a third timer: %w", err)
		}
		return errors.Join(env.TimerClear(conn, "a"), env.TimerSet(0, "c", time.Hour),
			env.TimerSet(0, "c", math.MaxInt64)) // 292 years
	})
	if err != nil {
		t.Error(err)
	}
	err = inHook(t, host.Limits{}, func(env host.Env, conn host.ConnID) error { return env.TimerSet(conn, "a", -1) })
	if err != abi.Invalid {
		t.Errorf("a negative delay: %v", err)
	}
}

// TestFarTimer checks that a timer with the longest delay does not fire at once.
func TestFarTimer(t *testing.T) {
	fired := make(chan string, 10)
	h, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: &host.Funcs{
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			return errors.Join(env.TimerSet(0, "far", math.MaxInt64), env.TimerSet(0, "now", 0))
		},
		OnTimer: func(_ host.Env, _ host.ConnID, name string) error {
			fired <- name
			return nil
		},
	}}}})
	send(t, dial(t, url+"/c"), "")
	if n := receive(t, fired); n != "now" {
		t.Errorf("%q fired", n)
	}
	wantMetric(t, h, `azuhost_timers{route="/c"}`, 1)
}
