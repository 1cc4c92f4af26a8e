package host

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/naming"
	"github.com/azuhost/azuhost/host/internal/store"
)

// OnWait implements plugin.Waiter.
func (c *call) OnWait(f func()) { c.tx.OnWait(f) }

// AppendStore implements plugin.Env.
func (c *call) AppendStore(dst, key []byte) ([]byte, error) {
	if !naming.Valid(key) {
		return dst, abi.Invalid
	}
	v, err := c.storeTx().Get(string(key))
	return append(dst, v...), err
}

// StoreSet implements plugin.Env.
func (c *call) StoreSet(key, data []byte, ttl time.Duration) error {
	if !naming.Valid(key) || ttl < 0 {
		return abi.Invalid
	}
	return c.storeTx().Set(string(key), string(data), ttl, c.storeLimits())
}

// StoreDelete implements plugin.Env.
func (c *call) StoreDelete(key []byte) error {
	if !naming.Valid(key) {
		return abi.Invalid
	}
	return c.storeTx().Delete(string(key), c.storeLimits())
}

// StoreAdd implements plugin.Env.
func (c *call) StoreAdd(key []byte, delta int64, ttl time.Duration) (int64, error) {
	if !naming.Valid(key) || ttl < 0 {
		return 0, abi.Invalid
	}
	return c.storeTx().Add(string(key), delta, ttl, c.storeLimits(), c.charge)
}

// storeTx returns the transaction of the hook.
func (c *call) storeTx() *store.Tx {
	c.tx.Begin(c.rt.store, c.set.limits.Deadline)
	return &c.tx
}

// storeLimits returns the limits of further changes of the store. The other effects of the hook count towards them.
func (c *call) storeLimits() store.Limits {
	l := &c.set.limits
	return store.Limits{
		StoreBytes: l.StoreBytes, TxBytes: l.HookBytes - len(c.arena), Changes: l.HookEffects - len(c.effects),
	}
}
