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

// ErrNoValue says that a key has no value.
var ErrNoValue = errors.New("broker: no such value")

// Value of a route's store.
type Value struct {
	Key, Value string
	Expires    time.Time     // by the clock of Redis; zero: never, or
	TTL        time.Duration // from when it is written
	Set        bool          // of a change: false deletes it
}

// lockTime is how long a lock holds if its node dies with it: longer than any
// hook, and what it waits for, may take.
const lockTTL = 10 * time.Second

func (b *Broker) storeKey(route string) string {
	return b.opts.Prefix + ":{s|" + escapeTag(route) + "}"
}

func (b *Broker) valueKey(route, key string) string { return b.storeKey(route) + ":v:" + key }
func (b *Broker) lockKey(route string) string       { return b.storeKey(route) + ":l" }

// atOnce is how many requests to stores may be under way. The client has room for more, but
// where that ends it waits for Redis whatever time the caller has.
const maxRequests = 256

// request asks Redis for something and waits for the answer as long as ctx allows. The place of
// a request is taken until its answer has come, or the connection is lost.
func (b *Broker) request(ctx context.Context, do func(context.Context) []rueidis.RedisResult) ([]rueidis.RedisResult, error) {
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

// Value gives a value of a route's store. The error is ErrNoValue where there is none.
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
		return Value{}, ErrNoValue
	}
	if err != nil {
		return Value{}, fmt.Errorf("broker: read a value: %w", err)
	}
	v := Value{Key: key, Value: text, Set: true}
	at, err := results[1].AsInt64()
	if err != nil { // or it would be written back without its end
		return Value{}, fmt.Errorf("broker: when a value ends (Redis 7 or later can tell): %w", err)
	}
	return v, v.setExpiry(at)
}

// end notes when a value ends, as PEXPIRETIME says it. One that has ended since it was read
// is none: as one without an end it would be written back.
func (v *Value) setExpiry(at int64) error {
	if at == -2 {
		return ErrNoValue
	}
	if at > 0 {
		v.Expires = time.UnixMilli(at)
	}
	return nil
}

// Lock takes the right to write to a route's store, for all nodes. Who has it
// ends it with Write or Unlock.
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
			b.Unlock(route, lock) // it may be ours: perhaps only the answer did not come
			return "", fmt.Errorf("broker: lock a store: %w", err)
		}
		select { // another node has it, for a hook's time
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// writeScript changes values and ends the lock, if it still holds.
//
//	KEYS  lock, values
//	ARGV  lock, then for each value: "set" or "del", value, and when it ends in ms: 0 never, +n from now, n as a time
const writeScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 2, #KEYS do
  local at = 2 + (i - 2) * 3
  if ARGV[at] == 'del' then
    redis.call('DEL', KEYS[i])
  else
    local ends = ARGV[at + 2]
    redis.call('SET', KEYS[i], ARGV[at + 1])
    if string.sub(ends, 1, 1) == '+' then
      redis.call('PEXPIRE', KEYS[i], string.sub(ends, 2))
    elseif ends ~= '0' then
      redis.call('PEXPIREAT', KEYS[i], ends)
    end
  end
end
redis.call('DEL', KEYS[1])
return 1
`

var writeLua = rueidis.NewLuaScript(writeScript)

// Write changes values and ends the lock, in one step. On error the values are
// as they were, unless the answer was lost on the way, or ctx was done before it came.
func (b *Broker) Write(ctx context.Context, route, lock string, changes []Value) error {
	keys, args := []string{b.lockKey(route)}, []string{lock}
	for _, v := range changes {
		keys = append(keys, b.valueKey(route, v.Key))
		op, ends := "set", "0"
		switch {
		case !v.Set:
			op, v.Value = "del", ""
		case v.TTL > 0:
			ends = "+" + millis(v.TTL)
		case !v.Expires.IsZero():
			ends = strconv.FormatInt(v.Expires.UnixMilli(), 10)
		}
		args = append(args, op, v.Value, ends)
	}
	results, err := b.request(ctx, func(ctx context.Context) []rueidis.RedisResult {
		return []rueidis.RedisResult{writeLua.Exec(ctx, b.client, keys, args)}
	})
	done := false
	if err == nil {
		done, err = results[0].AsBool()
	}
	if err != nil {
		b.Unlock(route, lock) // or nobody could write until the lock ends by itself
		return fmt.Errorf("broker: the store was not written: %w", err)
	}
	if !done {
		return errors.New("broker: the store was not written: another node has taken the lock meanwhile")
	}
	return nil
}

var unlockLua = rueidis.NewLuaScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// Unlock ends a lock without a change, and does not wait for that: Redis is asked until it answers
// or the lock has ended by itself.
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
		b.log.Debug("broker: unlock after the end", "route", route)
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
		b.log.Debug("broker: unlock", "route", route, "err", err)
		select {
		case <-time.After(firstBackoff):
		case <-ctx.Done():
			return
		}
	}
}
