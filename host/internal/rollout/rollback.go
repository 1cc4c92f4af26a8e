package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// ErrNoVersion is the error of RollBack if no earlier version has passed its trial.
var ErrNoVersion = errors.New("there is no such version")

// RollBack replaces the current version by the last good one, or that one by the last good version before it. It goes
// one step back: without another version in between a second call returns ErrNoVersion. The replaced version is
// refused until the file has another content that loads, or Lift is called. On an error the current version stays.
func (c *Controller) RollBack(ctx context.Context) error {
	if err := c.History.acquire(ctx); err != nil {
		return err
	}
	defer c.History.release()
	c.History.saving.Lock()
	defer c.History.saving.Unlock()
	rb, ok := c.History.revert()
	if !ok {
		return fmt.Errorf("no version before %s has passed its trial: %w", c.Plugin.Version(), ErrNoVersion)
	}
	if _, err := c.install(ctx, rb.to); err != nil {
		rb.undo()
		return err
	}
	rb.done()
	c.Save(rb.to)
	c.Report(Event{Kind: Reverted, Version: rb.to.Version()})
	return nil
}

// rollBackFailed replaces m, which has failed its trial t, by the last good version. It reports false if m runs on.
func (c *Controller) rollBackFailed(ctx context.Context, t *plugin.Trial, m Module) (replaced bool) {
	rb, ok := c.History.failed(m)
	if !ok {
		return false
	}
	start := time.Now()
	event := Event{From: t.Version()}
	event.Hooks, event.Faults = t.Counts()
	version, err := c.Plugin.Restore(ctx, t, rb.to.wasm)
	switch {
	case errors.Is(err, plugin.ErrSuperseded), errors.Is(err, plugin.ErrNotLoaded), ctx.Err() != nil:
		return true // another version was loaded, the plugin was replaced, or the host closes
	case err != nil:
		rb.undo()
		event.Kind, event.Err = RollbackFailed, err
		c.Report(event)
		return false
	}
	rb.done()
	if t := c.Plugin.Trial(); t != nil && t.Version() == version {
		t.Pass()
		_ = c.Plugin.Keep(t) // fails if another version has replaced it
	}
	event.Kind, event.Version, event.Took = RolledBack, version, time.Since(start)
	c.Report(event)
	return true
}
