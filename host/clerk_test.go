package host

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// clerkOf is a channel of f without a clerk. Its clock may be nil: the system's.
func clerkOf(clock Clock, f *Funcs) *channel {
	if clock == nil {
		clock = systemClock{}
	}
	h := &Host{clock: clock, log: slog.New(slog.DiscardHandler), turns: plugin.NewTurns(), appMetrics: newAppMetrics()}
	h.calls.New = func() any { return &call{} }
	h.metrics = newMetrics(h)
	r := Route{Path: "/c", Channel: f, PresenceGrace: -1}
	return newChannel(h, &settings{route: r, limits: r.Limits.withDefaults(), logic: r.Channel, name: "go"})
}

// TestClerkIsPaced: short hooks of the clerk sleep as one long hook does, however
// many there are, in one round or in many.
func TestClerkIsPaced(t *testing.T) {
	const hooks, took, nap = 100, 400 * time.Microsecond, 20 * time.Microsecond
	for name, prepare := range map[string]func(ch *channel){
		"timers": func(ch *channel) {
			for i := range hooks {
				ch.setTimer(nil, fmt.Sprint(i), 0)
			}
		},
		"presence": func(ch *channel) {
			for i := range hooks {
				c := &conn{ch: ch}
				c.member = hub.MakeMember(uint64(i+1), c, false)
				ch.hub.Add(&c.member)
				ch.hub.Identify(&c.member, fmt.Sprint(i))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, last := 0, time.Time{}
				hook := func() error {
					time.Sleep(took)
					n, last = n+1, time.Now()
					return nil
				}
				ch := clerkOf(nil, &Funcs{
					OnTimer:    func(Env, ConnID, string) error { return hook() },
					OnPresence: func(Env, string, string, bool) error { return hook() },
				})
				prepare(ch)
				begun := time.Now()
				go ch.clerk()
				time.Sleep(time.Second)
				// A sleep behind every third hook, which is the first beyond a millisecond.
				if want := hooks*took + hooks/3*nap; n != hooks || last.Sub(begun) != want {
					t.Errorf("%d hooks took %v, want %d and %v", n, last.Sub(begun), hooks, want)
				}
				close(ch.stop)
				synctest.Wait()
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
	var ch *channel
	ch = clerkOf(stillClock{}, &Funcs{OnTimer: func(env Env, _ ConnID, name string) error {
		if n++; n > 10 {
			return nil // the test has failed, and ends
		}
		return env.TimerSet(0, []byte(name), 0)
	}})
	ch.setTimer(nil, "again", 0)
	now := ch.host.clock.Now()
	ch.timerEvents(&hub.Turn{Hub: ch.hub}, now)
	at, ok := ch.timers.next()
	if n != 1 || !ok || at.Sub(now) != time.Millisecond {
		t.Errorf("the timer has fired %d times, and is due in %v", n, at.Sub(now))
	}
}
