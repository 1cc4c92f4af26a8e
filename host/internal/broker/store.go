package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// errNoValue means that a key has no value.
var errNoValue = errors.New("broker: no such value")

// Value is a value in the store of a route, or a change of one.
type Value struct {
	Key, Value string
	Expires    time.Time     // by the clock of Redis; zero: never, unless TTL is set
	TTL        time.Duration // in a change: the time from the write to the expiry; 0: Expires holds
	Set        bool          // in a change: false deletes the value
}

// lockTTL is how long a lock lasts if its node dies: longer than a hook, and its wait for the store,
// may take.
const lockTTL = 10 * time.Second

func (b *Broker) storeKey(route string) string {
	return b.opts.Prefix + ":{s|" + escapeTag(route) + "}"
}

func (b *Broker) valueKey(route, key string) string { return b.storeKey(route) + ":v:" + key }
func (b *Broker) lockKey(route string) string       { return b.storeKey(route) + ":l" }

// maxRequests limits the requests to stores under way. It is below the number at which the client
// blocks without regard to the caller's deadline.
const maxRequests = 256

// request runs a request to Redis and waits for the answer as long as ctx allows. The request counts
// for maxRequests until its answer comes or the connection is lost.
func (b *Broker) request(ctx context.Context, do func(context.Context) []rueidis.RedisResult) (
	[]rueidis.RedisResult, error,
) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	select {
	case b.requestSlots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answer := make(chan []rueidis.RedisResult, 1)
	if !b.spawn(func() {
		defer func() { <-b.requestSlots }()
		answer <- do(b.ctx)
	}) {
		<-b.requestSlots
		return nil, ErrUnavailable
	}
	select {
	case r := <-answer:
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Value returns a value of a route's store. The error is errNoValue if the key has none.
func (b *Broker) Value(ctx context.Context, route, key string) (Value, error) {
	if !b.up.Load() {
		return Value{}, ErrUnavailable
	}
	k := b.valueKey(route, key)
	results, err := b.request(ctx, func(ctx context.Context) []rueidis.RedisResult {
		return b.client.DoMulti(ctx, b.client.B().Get().Key(k).Build(), b.client.B().Pexpiretime().Key(k).Build())
	})
	if err != nil {
		return Value{}, fmt.Errorf("broker: read a value: %w", err)
	}
	text, err := results[0].ToString()
	if rueidis.IsRedisNil(err) {
		return Value{}, errNoValue
	}
	if err != nil {
		return Value{}, fmt.Errorf("broker: read a value: %w", err)
	}
	v := Value{Key: key, Value: text, Set: true}
	at, err := results[1].AsInt64()
	if err != nil { // without its expiry the value would be written back for good
		return Value{}, fmt.Errorf("broker: read the expiry of a value (needs Redis 7 or later): %w", err)
	}
	return v, v.setExpiry(at)
}

// setExpiry sets the expiry from an answer to PEXPIRETIME. It returns errNoValue for a value that
// expired after it was read, which would be written back without an expiry.
func (v *Value) setExpiry(at int64) error {
	if at == -2 {
		return errNoValue
	}
	if at > 0 {
		v.Expires = time.UnixMilli(at)
	}
	return nil
}

// Lock acquires the lock for writes to a route's store, which is one for all nodes, and returns its
// token. The caller releases it with Write or Unlock.
func (b *Broker) Lock(ctx context.Context, route string) (string, error) {
	if !b.up.Load() {
		return "", ErrUnavailable
	}
	lock := b.opts.Node + "/" + randomID()
	for wait := time.Millisecond / 2; ; wait = min(2*wait, 8*time.Millisecond) {
		results, err := b.request(ctx, func(ctx context.Context) []rueidis.RedisResult {
			cmd := b.client.B().Set().Key(b.lockKey(route)).Value(lock).Nx().Px(lockTTL).Build()
			return []rueidis.RedisResult{b.client.Do(ctx, cmd)}
		})
		if err == nil {
			err = results[0].Error()
		}
		if err == nil {
			return lock, nil
		}
		if !rueidis.IsRedisNil(err) {
			b.Unlock(route, lock) // the lock may be held: perhaps only the answer was lost
			return "", fmt.Errorf("broker: lock a store: %w", err)
		}
		select { // another node holds the lock, for the time of a hook
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

var writeLua = rueidis.NewLuaScript(writeScript)

// Write changes values and releases the lock, in one step. On an error the values are unchanged,
// unless the answer was lost or ctx was done before it came.
func (b *Broker) Write(ctx context.Context, route, lock string, changes []Value) error {
	keys, args := []string{b.lockKey(route)}, []string{lock}
	for _, v := range changes {
		keys = append(keys, b.valueKey(route, v.Key))
		op, expiry := "set", "0"
		switch {
		case !v.Set:
			op, v.Value = "del", ""
		case v.TTL > 0:
			expiry = "+" + millis(v.TTL)
		case !v.Expires.IsZero():
			expiry = strconv.FormatInt(v.Expires.UnixMilli(), 10)
		}
		args = append(args, op, v.Value, expiry)
	}
	results, err := b.request(ctx, func(ctx context.Context) []rueidis.RedisResult {
		return []rueidis.RedisResult{writeLua.Exec(ctx, b.client, keys, args)}
	})
	done := false
	if err == nil {
		done, err = results[0].AsBool()
	}
	if err != nil {
		b.Unlock(route, lock) // otherwise nobody could write until the lock expires
		return fmt.Errorf("broker: the store was not written: %w", err)
	}
	if !done {
		return errors.New("broker: the store was not written: another node has taken the lock meanwhile")
	}
	return nil
}

var unlockLua = rueidis.NewLuaScript(unlockScript)

// Unlock releases a lock without a change. It does not wait: the release is repeated in the
// background until Redis answers or the lock has expired.
func (b *Broker) Unlock(route, lock string) {
	b.mu.Lock()
	b.unlocks++
	b.mu.Unlock()
	if !b.spawn(func() {
		b.unlock(route, lock)
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.unlocks--; b.unlocks == 0 {
			b.notify()
		}
	}) {
		b.log.Debug("store not unlocked: the broker is closed", "route", route)
	}
}

func (b *Broker) unlock(route, lock string) {
	ctx, cancel := context.WithTimeout(b.ctx, lockTTL)
	defer cancel()
	for {
		results, err := b.request(ctx, func(ctx context.Context) []rueidis.RedisResult {
			return []rueidis.RedisResult{unlockLua.Exec(ctx, b.client, []string{b.lockKey(route)}, []string{lock})}
		})
		if err == nil {
			err = results[0].Error()
		}
		if err == nil {
			return
		}
		b.log.Debug("store not unlocked; retrying", "route", route, "err", err)
		select {
		case <-time.After(firstBackoff):
		case <-ctx.Done():
			return
		}
	}
}
