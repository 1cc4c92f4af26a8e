package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Options configure a Controller. All fields are required.
type Options struct {
	Plugin  *plugin.Plugin // gets the versions; it is new and empty
	History *History       // of the route
	File    string         // the module's file
	Limit   int64          // bytes of the file

	// Save stores a version that has become the last good one.
	Save func(Module)
	// Go runs a function in a goroutine of its own, with a context that ends with the host.
	Go func(func(context.Context))
	// Report receives the events of the Controller. It must not call the Controller.
	Report func(Event)
}

// Controller decides which version runs in one plugin.Plugin. Its methods may be called concurrently, except that
// Activate must return before others use the Controller.
type Controller struct {
	Options
	active    bool    // versions go on trial as soon as they are loaded
	candidate *Module // the version that was loaded last before Activate; nil: none
}

// NewController returns a Controller that is inactive: its versions are not on trial, and no part of the History.
func NewController(o Options) *Controller { return &Controller{Options: o} }

// Activate records that the plugin's version runs, and starts its trial.
func (c *Controller) Activate() {
	c.active = true
	if m := c.candidate; m != nil {
		c.candidate = nil
		c.startTrial(*m)
	}
}

// Load reads the file and makes its content the current version. A version that was rolled back is refused: the
// current version stays, which is no error. If there is none, Load loads the last good version instead. On an error the
// current version stays. Loads and manual rollbacks of a route run one after the other; ctx limits the wait, too.
func (c *Controller) Load(ctx context.Context) error {
	if err := c.History.acquire(ctx); err != nil {
		return err
	}
	defer c.History.release()
	m, err := readModule(c.File, c.Limit)
	if err != nil {
		c.Report(Event{Kind: LoadFailed})
		return err
	}
	if c.History.refuses(m) {
		c.Report(Event{Kind: Refused, Version: m.Version()})
		if c.Plugin.Version() == "" {
			return c.LoadLastGood(ctx, errors.New("the version was rolled back"))
		}
		return nil
	}
	changed, err := c.install(ctx, m)
	if err != nil {
		c.Report(Event{Kind: LoadFailed})
		return fmt.Errorf("%s: %w", c.File, err)
	}
	c.History.Lift() // the file has changed since the last rollback
	if changed {
		c.Report(Event{Kind: Loaded})
	} else {
		c.Report(Event{Kind: Unchanged})
	}
	return nil
}

// LoadLastGood loads the last good version, because the file was not loaded. cause says why not. The error wraps cause
// and says why the last good version was not loaded either.
func (c *Controller) LoadLastGood(ctx context.Context, cause error) error {
	m := c.History.good()
	if m == nil {
		return cause
	}
	if _, err := c.install(ctx, *m); err != nil {
		return errors.Join(cause, fmt.Errorf("the last good version: %w", err))
	}
	c.Report(Event{Kind: LastGoodLoaded, Version: m.Version(), Err: cause})
	return nil
}

// install makes m the current version of the plugin. changed is false if it was that before.
func (c *Controller) install(ctx context.Context, m Module) (changed bool, err error) {
	start, from := time.Now(), c.Plugin.Version()
	version, err := c.Plugin.Load(ctx, m.wasm)
	if err != nil {
		return false, err
	}
	if changed = version != from; changed {
		c.Report(Event{Kind: Installed, Version: version, From: from, Took: time.Since(start)})
	}
	if !c.active {
		c.candidate = &m
		return changed, nil
	}
	if changed {
		c.startTrial(m)
	} else {
		c.History.loaded(m)
	}
	return changed, nil
}
