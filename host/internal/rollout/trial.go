package rollout

import (
	"context"
	"time"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// maxTrialTime is the longest time of a trial: it passes if it has neither seen plugin.TrialHooks hooks nor failed. It
// is also the pause before another trial of a version that has failed and has no good version to be replaced by.
const maxTrialTime = 5 * time.Second

// startTrial records that m runs and evaluates its trial. The last good version needs none.
func (c *Controller) startTrial(m Module) {
	onTrial := c.History.loaded(m)
	t := c.Plugin.Trial()
	if t == nil || t.Version() != m.Version() { // another version has replaced m, and has a trial of its own
		return
	}
	if onTrial {
		c.Go(func(ctx context.Context) { c.evaluate(ctx, t, m) })
		return
	}
	t.Pass()
	_ = c.Plugin.Keep(t) // fails if another version has replaced m
}

// evaluate waits for the outcome of the trial t of m, and acts on it.
func (c *Controller) evaluate(ctx context.Context, t *plugin.Trial, m Module) {
	for t != nil {
		await(ctx, t)
		switch t.Outcome() {
		case plugin.Passed:
			c.keep(t, m)
			return
		case plugin.Failed:
			if c.rollBackFailed(ctx, t, m) {
				return
			}
		default: // superseded, or the host closes
			return
		}
		select {
		case <-time.After(maxTrialTime):
		case <-ctx.Done():
			return
		}
		t = c.Plugin.Retry(t)
	}
}

// await waits until t ends, and ends it after maxTrialTime. It returns early if ctx ends.
func await(ctx context.Context, t *plugin.Trial) {
	timer := time.NewTimer(maxTrialTime)
	defer timer.Stop()
	select {
	case <-t.Done():
	case <-timer.C:
		t.Pass()
	case <-ctx.Done():
	}
}

// keep makes m, which has passed its trial t, the last good version, unless another version is current by now.
func (c *Controller) keep(t *plugin.Trial, m Module) {
	c.History.saving.Lock()
	defer c.History.saving.Unlock()
	if c.Plugin.Keep(t) != nil {
		return
	}
	c.History.passed(m)
	c.Save(m)
	hooks, faults := t.Counts()
	c.Report(Event{Kind: Passed, Version: t.Version(), Hooks: hooks, Faults: faults})
}
