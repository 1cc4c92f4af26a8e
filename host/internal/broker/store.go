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
	Expires    time.Time // zero: never
	Set        bool      // of a change: false deletes it
}

// lockTime is how long a lock holds if its node dies with it: longer than any
// hook, and what it waits for, may take.
const lockTime = 10 * time.Second

func (b *Broker) storeTag(route string) string {
	return b.o.Prefix + ":{s|" + escapeTag(route) + "}"
}

func (b *Broker) valueKey(route, key string) string { return b.storeTag(route) + ":v:" + key }
func (b *Broker) lockKey(route string) string       { return b.storeTag(route) + ":l" }

// Value gives a value of a route's store. The error is ErrNoValue where there is none.
func (b *Broker) Value(ctx context.Context, route, key string) (Value, error) {
	if !b.up.Load() {
		return Value{}, ErrUnavailable
	}
	k := b.valueKey(route, key)
	results := b.client.DoMulti(ctx, b.client.B().Get().Key(k).Build(), b.client.B().Pexpiretime().Key(k).Build())
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
	if at > 0 {
		v.Expires = time.UnixMilli(at)
	}
	return v, nil
}

// Lock takes the right to write to a route's store, for all nodes. Who has it
// ends it with Write or Unlock.
func (b *Broker) Lock(ctx context.Context, route string) (lock string, err error) {
	if !b.up.Load() {
		return "", ErrUnavailable
	}
	lock = b.o.Node + "/" + newEpoch()
	for wait := time.Millisecond / 2; ; wait = min(2*wait, 8*time.Millisecond) {
		cmd := b.client.B().Set().Key(b.lockKey(route)).Value(lock).Nx().Px(lockTime).Build()
		err := b.client.Do(ctx, cmd).Error()
		if err == nil {
			return lock, nil
		}
		if !rueidis.IsRedisNil(err) {
			if ctx.Err() != nil {
				b.Unlock(route, lock) // it may be ours: the answer did not come
			}
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
//	ARGV  lock, then for each value: "set" or "del", value, time of expiry in ms (0: never)
const writeScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 2, #KEYS do
  local at = 2 + (i - 2) * 3
  if ARGV[at] == 'del' then
    redis.call('DEL', KEYS[i])
  else
    redis.call('SET', KEYS[i], ARGV[at + 1])
    if ARGV[at + 2] ~= '0' then redis.call('PEXPIREAT', KEYS[i], ARGV[at + 2]) end
  end
end
redis.call('DEL', KEYS[1])
return 1
`

var writeLua = rueidis.NewLuaScript(writeScript)

// Write changes values and ends the lock, in one step. On error the values are
// as they were, unless the answer was lost on the way.
func (b *Broker) Write(route, lock string, changes []Value) error {
	ctx, cancel := context.WithTimeout(b.ctx, b.o.Timeout)
	defer cancel()
	keys, args := []string{b.lockKey(route)}, []string{lock}
	for _, v := range changes {
		keys = append(keys, b.valueKey(route, v.Key))
		switch {
		case !v.Set:
			args = append(args, "del", "", "0")
		case v.Expires.IsZero():
			args = append(args, "set", v.Value, "0")
		default:
			args = append(args, "set", v.Value, strconv.FormatInt(v.Expires.UnixMilli(), 10))
		}
	}
	done, err := writeLua.Exec(ctx, b.client, keys, args).AsBool()
	if _, refused := rueidis.IsRedisErr(err); refused {
		b.Unlock(route, lock) // or nobody could write until the lock ends by itself
	}
	if err != nil {
		return fmt.Errorf("broker: the store was not written: %w", err)
	}
	if !done {
		return errors.New("broker: the store was not written: another node has taken the lock meanwhile")
	}
	return nil
}

var unlockLua = rueidis.NewLuaScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// Unlock ends a lock without a change.
func (b *Broker) Unlock(route, lock string) {
	ctx, cancel := context.WithTimeout(b.ctx, b.o.Timeout)
	defer cancel()
	if err := unlockLua.Exec(ctx, b.client, []string{b.lockKey(route)}, []string{lock}).Error(); err != nil {
		b.log.Debug("broker: unlock", "route", route, "err", err) // it ends by itself
	}
}
