package broker

import (
	"context"
	"crypto/sha1"
	"encoding/hex"

	"github.com/redis/rueidis"
)

// publishScript numbers messages, keeps them, and publishes them; all of a
// batch or, when this sender's batch was taken before, nothing. Numbers of one life of a
// sender are compared only: the clock of the next one may be behind.
//
//	KEYS  meta, stream, sender
//	ARGV  channel, command, new epoch, ttl of meta in ms, first seq, count, body, size of
//	      the history, its ttl in ms, life of the sender, and for the history: a message each
//	gives epoch, offset of the last, subscribers (-1: it was taken before)
const publishScript script = `
local meta = redis.call('HMGET', KEYS[1], 'e', 'o')
local epoch, last = meta[1], tonumber(meta[2] or '0')
local n = tonumber(ARGV[6])
local seq = tonumber(ARGV[5])
local life, taken = string.match(redis.call('GET', KEYS[3]) or '', '^(%S+) (%d+)$')
if not epoch or not meta[2] and redis.call('EXISTS', KEYS[2]) == 1 then
  epoch, last = ARGV[3], 0
  redis.call('DEL', KEYS[2])
elseif life == ARGV[10] and tonumber(taken) >= seq then
  return {epoch, string.format('%.0f', last), -1}
end
redis.call('HSET', KEYS[1], 'e', epoch, 'o', string.format('%.0f', last + n))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('SET', KEYS[3], ARGV[10] .. ' ' .. string.format('%.0f', seq + n - 1), 'PX', ARGV[4])
local size = tonumber(ARGV[8])
if size > 0 then
  local t = redis.call('TIME')
  local ms = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
  for i = 1, n do
    redis.call('XADD', KEYS[2], 'MAXLEN', size, string.format('%.0f-0', last + i), 't', ms, 'm', ARGV[10 + i])
  end
  redis.call('PEXPIRE', KEYS[2], ARGV[9])
end
local got = redis.call(ARGV[2], ARGV[1], epoch .. '\n' .. string.format('%.0f', last + 1) .. '\n' .. ARGV[7])
return {epoch, string.format('%.0f', last + n), got}
`

// placeScript says where a topic stands. Where its numbers are gone, or were evicted, another
// epoch begins, and what the history still has of the one before goes, too: its ids would
// be in the way. A Redis that can not write for a while begins none.
//
//	KEYS  meta, stream, sender
//	ARGV  new epoch (empty: none begins), ttl of meta in ms
//	gives epoch, offset, and what is known of the sender
const positionScript script = `
local meta = redis.call('HMGET', KEYS[1], 'e', 'o')
local sent = redis.call('GET', KEYS[3]) or ''
local function refused(r)
  return type(r) == 'table' and r.err
end
local function passes(r)
  return string.find(r.err, 'OOM ') or string.find(r.err, 'NOREPLICAS ') or string.find(r.err, 'MISCONF ')
end
if ARGV[1] ~= '' then
  local did
  if not meta[1] or not meta[2] and redis.call('EXISTS', KEYS[2]) == 1 then
    did = redis.pcall('HSET', KEYS[1], 'e', ARGV[1])
    if not refused(did) then
      meta = {ARGV[1], false}
      did = redis.pcall('DEL', KEYS[2])
    end
  end
  if not refused(did) then did = redis.pcall('PEXPIRE', KEYS[1], ARGV[2]) end
  if refused(did) and not passes(did) then return did end
end
return {meta[1] or '', meta[2] or '', sent}
`

// readScript reads a part of a history.
//
//	KEYS  stream
//	ARGV  first and last id, bytes after which it is enough
//	gives entries
const readScript script = `
local out, size, from = {}, 0, ARGV[1]
repeat
  local part = redis.call('XRANGE', KEYS[1], from, ARGV[2], 'COUNT', 16)
  for _, e in ipairs(part) do
    out[#out + 1] = e
    for _, s in ipairs(e[2]) do size = size + #s end
    if size >= tonumber(ARGV[3]) then return out end
    from = '(' .. e[1]
  end
until #part < 16
return out
`

// script is one of Redis.
type script string

// sums are what scripts are named by.
var scriptSHA = map[script]string{publishScript: sha1Hex(publishScript), positionScript: sha1Hex(positionScript), readScript: sha1Hex(readScript)}

func sha1Hex(s script) string {
	sum := sha1.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// eval runs a script, which is named by its sum, and sent where that is not known.
func (b *Broker) evalScripts(ctx context.Context, s script, execs []rueidis.LuaExec) []rueidis.RedisResult {
	cmds := make(rueidis.Commands, len(execs))
	for i, e := range execs {
		cmds[i] = b.client.B().Evalsha().Sha1(scriptSHA[s]).Numkeys(int64(len(e.Keys))).Key(e.Keys...).Arg(e.Args...).Build()
	}
	results := b.client.DoMulti(ctx, cmds...)
	var unknown []int
	cmds = nil
	for i, r := range results {
		if re, ok := rueidis.IsRedisErr(r.Error()); ok && re.IsNoScript() {
			e := execs[i]
			unknown = append(unknown, i)
			cmds = append(cmds, b.client.B().Eval().Script(string(s)).Numkeys(int64(len(e.Keys))).Key(e.Keys...).Arg(e.Args...).Build())
		}
	}
	if len(cmds) > 0 {
		for i, r := range b.client.DoMulti(ctx, cmds...) {
			results[unknown[i]] = r
		}
	}
	return results
}
