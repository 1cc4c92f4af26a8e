package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/internal/appmetrics"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/timer"
)

// newTestRuntime returns a runtime of the channel f whose background loop does not run. A nil clock is the clock of the
// system.
func newTestRuntime(clock Clock, f *Funcs) *routeRuntime {
	if clock == nil {
		clock = systemClock{}
	}
	h := &Host{
		clock: clock, log: slog.New(slog.DiscardHandler),
		cpuSlots: plugin.NewCPUSlots(), appMetrics: appmetrics.New(),
	}
	h.calls.New = func() any { return &call{} }
	h.metrics = newMetrics(h)
	r := Route{Path: "/c", Channel: f, PresenceGrace: -1}.withDefaults()
	return newRouteRuntime(h, &settings{route: r, limits: r.Limits, logic: newChannelLogic(r.Channel), name: "go"})
}

// backlogs make n hooks of a runtime due at once.
var backlogs = map[string]func(rt *routeRuntime, n int){
	"timers": func(rt *routeRuntime, n int) {
		for i := range n {
			rt.setTimer(nil, fmt.Sprint(i), 0)
		}
	},
	"presence": func(rt *routeRuntime, n int) {
		for i := range n {
			addUser(rt, uint64(i+1))
		}
	},
}

// addUser adds a connection whose user is named after its id.
func addUser(rt *routeRuntime, id uint64) *conn {
	c := &conn{rt: rt}
	c.member = hub.MakeMember(id, c, false)
	rt.hub.Add(&c.member)
	rt.hub.Identify(&c.member, fmt.Sprint(id))
	return c
}

// runBackground runs the background loop for a time, and waits until it has ended.
func runBackground(rt *routeRuntime, d time.Duration) {
	done := make(chan struct{})
	go func() {
		rt.background()
		close(done)
	}()
	time.Sleep(d)
	close(rt.stop)
	<-done
}

// onTimerAndPresence returns a channel that calls f in on_timer and in on_presence.
func onTimerAndPresence(f func()) *Funcs {
	return &Funcs{
		OnTimer:    func(Env, ConnID, string) error { f(); return nil },
		OnPresence: func(Env, string, string, bool) error { f(); return nil },
	}
}

// TestBackgroundIsPaced checks that the background loop pauses once for several short hooks as it does for one long
// hook, in one round or in many.
func TestBackgroundIsPaced(t *testing.T) {
	const hooks, took, pause = 100, 400 * time.Microsecond, 20 * time.Microsecond
	for name, backlog := range backlogs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, last := 0, time.Time{}
				rt := newTestRuntime(nil, onTimerAndPresence(func() {
					time.Sleep(took)
					n, last = n+1, time.Now()
				}))
				backlog(rt, hooks)
				begun := time.Now()
				runBackground(rt, time.Second)
				// The loop pauses after every third hook, the first one after a millisecond of hooks.
				if want := hooks*took + hooks/3*pause; n != hooks || last.Sub(begun) != want {
					t.Errorf("%d hooks in %v, want %d in %v", n, last.Sub(begun), hooks, want)
				}
			})
		})
	}
}

// TestTokensEndBetweenHooks checks that tokens that have expired are ended although more hooks are due.
func TestTokensEndBetweenHooks(t *testing.T) {
	for name, backlog := range backlogs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const took, due = 2 * time.Millisecond, 5 * time.Millisecond
				var rt *routeRuntime
				begun, ended := time.Now(), time.Duration(0)
				rt = newTestRuntime(nil, onTimerAndPresence(func() {
					if ended == 0 && rt.expiries.Len() == 0 {
						ended = time.Since(begun)
					}
					time.Sleep(took)
				}))
				backlog(rt, 50)
				rt.expiries.Set(timer.ID{Conn: 999}, begun.Add(due))
				runBackground(rt, time.Second)
				if ended == 0 || ended > due+2*took {
					t.Errorf("the token expired after %v and ended after %v", due, ended)
				}
			})
		})
	}
}

// TestPresenceBetweenTimers checks that on_presence for a user who joins while many timers are due runs before the last
// of them.
func TestPresenceBetweenTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rt *routeRuntime
		timers, announced := 0, 0
		rt = newTestRuntime(nil, &Funcs{
			OnTimer: func(Env, ConnID, string) error {
				if timers++; timers == 1 {
					addUser(rt, 1)
				}
				time.Sleep(time.Millisecond)
				return nil
			},
			OnPresence: func(Env, string, string, bool) error {
				announced = timers
				return nil
			},
		})
		backlogs["timers"](rt, 100)
		runBackground(rt, time.Second)
		if timers != 100 || announced == 0 || announced > 11 {
			t.Errorf("on_presence ran after %d of %d timers", announced, timers)
		}
	})
}

// TestBackgroundStops checks that the background loop stops after the hook that runs, although more hooks are due.
func TestBackgroundStops(t *testing.T) {
	for name, backlog := range backlogs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				rt := newTestRuntime(nil, onTimerAndPresence(func() {
					n++
					time.Sleep(time.Second)
				}))
				backlog(rt, 100)
				runBackground(rt, time.Millisecond)
				if n != 1 {
					t.Errorf("%d hooks have run", n)
				}
			})
		})
	}
}

// TestCloseGivesUp checks that Close returns when its context is done, although a hook does not end.
func TestCloseGivesUp(t *testing.T) {
	runs, end := make(chan struct{}, 1), make(chan struct{})
	f := onTimerAndPresence(func() {
		runs <- struct{}{}
		<-end
	})
	h, err := New(Options{Log: slog.New(slog.DiscardHandler), Routes: []Route{{Path: "/c", Channel: f}}})
	if err != nil {
		t.Fatal(err)
	}
	h.runtime("/c").setTimer(nil, "t", 0)
	<-runs
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Close(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "hooks still run") {
		t.Error(err)
	}
	close(end)
	h.wait.Wait()
}
