package plugin

import (
	"context"
	"runtime"
	"time"
)

// Pacer limits a goroutine that runs one hook after another without a client that waits for them, such as timers that
// set themselves again. Each of these hooks may end before its first slice of fuel is spent, so that none of them
// takes a CPU slot or sleeps. Pacer adds up their run time and limits it like the run time of one long hook.
//
// A Pacer belongs to one goroutine.
type Pacer struct {
	// CPUSlots is shared with the Plugins whose hooks run.
	CPUSlots *CPUSlots

	ran time.Duration // run time of hooks since the goroutine last slept
}

// Context returns the context for the Run of the next hook. The first hook after a sleep runs without a CPU slot;
// every other one takes a slot before it begins.
func (p *Pacer) Context() context.Context {
	if p.ran == 0 {
		return context.Background()
	}
	return pacedContext{context.Background()}
}

// HookRan records the run time of a hook. When hooks have run for a millisecond since the goroutine last slept,
// HookRan sleeps and returns true. It holds a CPU slot meanwhile, so that a processor is idle and polls the network.
func (p *Pacer) HookRan(took time.Duration) (slept bool) {
	p.ran += max(took, 1) // a hook takes time even if the clock is too coarse to show it
	if p.ran <= maxRunTime {
		return false
	}
	hasSlot := p.CPUSlots.take(DefaultDeadline)
	time.Sleep(runPause)
	if hasSlot {
		p.CPUSlots.release()
	}
	p.ran = 0
	return true
}

// Idle records that the goroutine had no hook to run for d.
func (p *Pacer) Idle(d time.Duration) {
	if d >= runPause {
		p.ran = 0
	}
}

// pacedContext makes Run take a CPU slot before the hook begins.
type pacedContext struct{ context.Context }

// takePacedSlot takes a CPU slot for a hook that is about to begin, if ctx is a pacedContext. The wait does not count
// towards the hook's deadline. A hook that gets no slot within the time of a deadline runs without one.
//
// A goroutine that is granted a slot is the next one to run on its processor, before all others that are ready. A
// sequence of short hooks that pass the slot on would keep those others from running, so each hook yields first.
func (c *callContext) takePacedSlot(ctx context.Context) {
	if _, ok := ctx.(pacedContext); ok && c.plugin.options.Metering == Fuel {
		c.hasSlot = c.plugin.options.CPUSlots.take(c.plugin.options.Deadline)
		runtime.Gosched()
	}
}
