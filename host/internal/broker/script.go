package broker

import (
	"context"
	"crypto/sha1"
	"encoding/hex"

	"github.com/redis/rueidis"
)

// script is the text of a Lua script. Nodes of all versions run their own scripts on the same keys.
type script string

// publishScript numbers the messages of a batch, appends them to the history and publishes them. It
// rejects a batch that it has accepted before from the same incarnation of the sender; the numbers of
// two incarnations cannot be compared, because the clock of the second may be behind.
//
//	KEYS     meta, stream, sender
//	ARGV     channel, publish command, epoch to begin, TTL of meta and sender in ms, first sequence
//	         number, count, body, size of the history, its TTL in ms, incarnation of the sender,
//	         and with a history each message
//	returns  epoch, offset of the last message, subscribers; -1: accepted before
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

// positionScript returns the position of a topic. If its numbers were lost or evicted, it begins an
// epoch and deletes the stream, whose entry ids would be in the way. While Redis refuses writes it
// begins none.
//
//	KEYS     meta, stream, sender
//	ARGV     epoch to begin (empty: none), TTL of meta in ms
//	returns  epoch, offset, record of the sender
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
//	KEYS     stream
//	ARGV     first id, last id, number of bytes after which to stop
//	returns  entries
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

// renewScript begins another epoch if a topic stands before a position that it had. Redis came back
// without the last messages that it had acknowledged, and would give their offsets to other messages.
//
//	KEYS     meta, stream
//	ARGV     epoch, offset, epoch to begin
//	returns  epoch
const renewScript = `
local meta = redis.call('HMGET', KEYS[1], 'e', 'o')
if meta[1] == ARGV[1] and tonumber(meta[2] or '0') < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'e', ARGV[3])
  redis.call('DEL', KEYS[2])
  return ARGV[3]
end
return meta[1] or ''
`

// writeScript changes values of a store and releases its lock, if the lock is still held.
//
//	KEYS     lock, values
//	ARGV     lock token, then for each value: "set" or "del", value, and its expiry in ms:
//	         0 none, +n from now, n Unix time
//	returns  1, or 0 if another node has the lock
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

// unlockScript releases the lock of a store, if it is still held.
//
//	KEYS     lock
//	ARGV     lock token
const unlockScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

// scriptSHA has the SHA-1 of each script, by which EVALSHA names it.
var scriptSHA = map[script]string{
	publishScript:  sha1Hex(publishScript),
	positionScript: sha1Hex(positionScript),
	readScript:     sha1Hex(readScript),
}

func sha1Hex(s script) string {
	sum := sha1.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// evalScripts runs a script once for each element of execs, in one round trip. A second round trip
// sends the text of the script to servers that do not know it.
func (b *Broker) evalScripts(ctx context.Context, s script, execs []rueidis.LuaExec) []rueidis.RedisResult {
	cmds := make(rueidis.Commands, len(execs))
	for i, e := range execs {
		cmd := b.client.B().Evalsha().Sha1(scriptSHA[s]).Numkeys(int64(len(e.Keys)))
		cmds[i] = cmd.Key(e.Keys...).Arg(e.Args...).Build()
	}
	results := b.client.DoMulti(ctx, cmds...)
	var unknown []int
	cmds = nil
	for i, r := range results {
		if re, ok := rueidis.IsRedisErr(r.Error()); ok && re.IsNoScript() {
			e := execs[i]
			unknown = append(unknown, i)
			cmd := b.client.B().Eval().Script(string(s)).Numkeys(int64(len(e.Keys)))
			cmds = append(cmds, cmd.Key(e.Keys...).Arg(e.Args...).Build())
		}
	}
	if len(cmds) > 0 {
		for i, r := range b.client.DoMulti(ctx, cmds...) {
			results[unknown[i]] = r
		}
	}
	return results
}
