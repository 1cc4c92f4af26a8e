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

// clerkOf is a channel of f without a clerk. Its clock may be nil: the system's.
func clerkOf(clock Clock, f *Funcs) *routeRuntime {
	if clock == nil {
		clock = systemClock{}
	}
	h := &Host{clock: clock, log: slog.New(slog.DiscardHandler), cpuSlots: plugin.NewCPUSlots(), appMetrics: appmetrics.New()}
	h.calls.New = func() any { return &call{} }
	h.metrics = newMetrics(h)
	r := Route{Path: "/c", Channel: f, PresenceGrace: -1}.withDefaults()
	return newRouteRuntime(h, &settings{route: r, limits: r.Limits, logic: newChannelLogic(r.Channel), name: "go"})
}

// backlogs give the clerk of a channel n hooks to run at once.
var backlogs = map[string]func(rt *routeRuntime, n int){
	"timers": func(rt *routeRuntime, n int) {
		for i := range n {
			rt.setTimer(nil, fmt.Sprint(i), 0)
		}
	},
	"presence": func(rt *routeRuntime, n int) {
		for i := range n {
			come(rt, uint64(i+1))
		}
	},
}

// come has a connection of a user come, who is named after it.
func come(rt *routeRuntime, id uint64) *conn {
	c := &conn{rt: rt}
	c.member = hub.MakeMember(id, c, false)
	rt.hub.Add(&c.member)
	rt.hub.Identify(&c.member, fmt.Sprint(id))
	return c
}

// clerkFor has the clerk work for d, and waits until it has ended.
func clerkFor(rt *routeRuntime, d time.Duration) {
	done := make(chan struct{})
	go func() {
		rt.background()
		close(done)
	}()
	time.Sleep(d)
	close(rt.stop)
	<-done
}

// forBoth is a channel that calls f for a timer and for a presence event.
func forBoth(f func()) *Funcs {
	return &Funcs{
		OnTimer:    func(Env, ConnID, string) error { f(); return nil },
		OnPresence: func(Env, string, string, bool) error { f(); return nil },
	}
}

// TestClerkIsPaced: short hooks of the clerk sleep as one long hook does, however
// many there are, in one round or in many.
func TestClerkIsPaced(t *testing.T) {
	const hooks, took, nap = 100, 400 * time.Microsecond, 20 * time.Microsecond
	for name, backlog := range backlogs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, last := 0, time.Time{}
				rt := clerkOf(nil, forBoth(func() {
					time.Sleep(took)
					n, last = n+1, time.Now()
				}))
				backlog(rt, hooks)
				begun := time.Now()
				clerkFor(rt, time.Second)
				// A sleep behind every third hook, which is the first beyond a millisecond.
				if want := hooks*took + hooks/3*nap; n != hooks || last.Sub(begun) != want {
					t.Errorf("%d hooks took %v, want %d and %v", n, last.Sub(begun), hooks, want)
				}
			})
		})
	}
}

// stillClock is a clock that stands still.
type stillClock struct{ systemClock }

func (stillClock) Now() time.Time { return time.Unix(1, 0) }

// TestTimerThatSetsItself with 0 is due a millisecond later, and not at once: where the
// clock stands still there would be no end to it.
func TestTimerThatSetsItself(t *testing.T) {
	n := 0
	rt := clerkOf(stillClock{}, &Funcs{OnTimer: func(env Env, _ ConnID, name string) error {
		if n++; n > 10 {
			return nil // the test has failed, and ends
		}
		return env.TimerSet(0, name, 0)
	}})
	rt.setTimer(nil, "again", 0)
	now := rt.host.clock.Now()
	rt.timerEvents(&hub.Outbox{Hub: rt.hub}, now)
	at, ok := rt.timers.Next()
	if n != 1 || !ok || at.Sub(now) != time.Millisecond {
		t.Errorf("the timer has fired %d times, and is due in %v", n, at.Sub(now))
	}
}

// TestClerkEndsTokensBetweenHooks: what has its time ends although hooks are waiting.
func TestClerkEndsTokensBetweenHooks(t *testing.T) {
	for name, backlog := range backlogs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const took, due = 2 * time.Millisecond, 5 * time.Millisecond
				var rt *routeRuntime
				begun, ended := time.Now(), time.Duration(0)
				rt = clerkOf(nil, forBoth(func() {
					if ended == 0 && rt.expiries.Len() == 0 {
						ended = time.Since(begun)
					}
					time.Sleep(took)
				}))
				backlog(rt, 50)
				rt.expiries.Set(timer.ID{Conn: 999}, begun.Add(due))
				clerkFor(rt, time.Second)
				if ended == 0 || ended > due+2*took {
					t.Errorf("the token was due after %v and ended after %v", due, ended)
				}
			})
		})
	}
}

// TestTimersLeaveRoom: a user who comes while many timers are due is told of before
// all of them have fired.
func TestTimersLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rt *routeRuntime
		timers, told := 0, 0
		rt = clerkOf(nil, &Funcs{
			OnTimer: func(Env, ConnID, string) error {
				if timers++; timers == 1 {
					come(rt, 1)
				}
				time.Sleep(time.Millisecond)
				return nil
			},
			OnPresence: func(Env, string, string, bool) error {
				told = timers
				return nil
			},
		})
		backlogs["timers"](rt, 100)
		clerkFor(rt, time.Second)
		if timers != 100 || told == 0 || told > 11 {
			t.Errorf("the user was told of after %d of %d timers", told, timers)
		}
	})
}

// TestClerkStops behind the hook that runs, and not behind all that are due.
func TestClerkStops(t *testing.T) {
	for name, backlog := range backlogs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				rt := clerkOf(nil, forBoth(func() {
					n++
					time.Sleep(time.Second)
				}))
				backlog(rt, 100)
				clerkFor(rt, time.Millisecond)
				if n != 1 {
					t.Errorf("%d hooks have run", n)
				}
			})
		})
	}
}

// TestCloseGivesUp on a hook that does not end.
func TestCloseGivesUp(t *testing.T) {
	runs, end := make(chan struct{}, 1), make(chan struct{})
	h, err := New(Options{Log: slog.New(slog.DiscardHandler), Routes: []Route{{Path: "/c", Channel: forBoth(func() {
		runs <- struct{}{}
		<-end
	})}}})
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

// TestTimerEndsWithItsConnection, also one that has fired and waits for its turn.
func TestTimerEndsWithItsConnection(t *testing.T) {
	n := 0
	f := forBoth(func() { n++ })
	rt := clerkOf(nil, f)
	c := come(rt, 1)
	f.mu.Lock() // as another hook
	rt.setTimer(c, "t", 0)
	done := make(chan struct{})
	go func() {
		rt.timerEvents(&hub.Outbox{Hub: rt.hub}, time.Now())
		close(done)
	}()
	for fired := false; !fired; time.Sleep(time.Millisecond) {
		c.timerMu.Lock()
		fired = len(c.timers) == 0
		c.timerMu.Unlock()
	}
	rt.hub.Remove(&c.member)
	f.mu.Unlock()
	<-done
	if n != 0 {
		t.Error("on_timer was called for a connection that has left")
	}
}
