package plugin

import (
	"context"
	"runtime"
	"time"
)

// Pacer is for a goroutine that runs one hook after another without anybody who
// waits for them, as timers do that set themselves again. Each of these hooks may be
// done before its first slice of fuel is spent, so that none takes a turn or sleeps; what
// they take together is noted here, and bounded as that of one long hook is. It belongs
// to one goroutine.
type Pacer struct {
	CPUSlots *CPUSlots     // those of the plugins whose hooks run
	ran      time.Duration // by hooks, since the goroutine last slept
}

// Context is what to give to Run for the next hook. The first one since the last
// sleep runs as any other; those behind it take a turn before they begin.
func (p *Pacer) Context() context.Context {
	if p.ran == 0 {
		return context.Background()
	}
	return turnContext{context.Background()}
}

// Ran notes how long a hook took. When hooks have run for a millisecond since the
// goroutine last slept, it sleeps, and says so: with a turn, so that a processor is idle
// then and looks at the network.
func (p *Pacer) Ran(took time.Duration) (slept bool) {
	p.ran += max(took, 1) // no hook is for nothing, however coarse the clock
	if p.ran <= awakeAtMost {
		return false
	}
	turn := p.CPUSlots.take(DefaultDeadline)
	time.Sleep(hookSleep)
	if turn {
		p.CPUSlots.give()
	}
	p.ran = 0
	return true
}

// Rested notes that the goroutine had nothing to run for so long.
func (p *Pacer) Rested(d time.Duration) {
	if d >= hookSleep {
		p.ran = 0
	}
}

// turnContext has a hook take a turn before it begins.
type turnContext struct{ context.Context }

// beginTurn takes a turn for a hook that is about to begin, where ctx asks for one. The
// wait does not count towards the hook's deadline, and a hook that gets no turn within
// one runs without.
//
// Who is given a turn is the next to run on its processor, before all others that can. A
// chain of short hooks that hand it on would leave no room for anybody else: so each
// lets those others run first.
func (c *callContext) beginTurn(ctx context.Context) {
	if _, ok := ctx.(turnContext); ok && c.plugin.o.Metering == Fuel {
		c.turn = c.plugin.o.CPUSlots.take(c.plugin.o.Deadline)
		runtime.Gosched()
	}
}
