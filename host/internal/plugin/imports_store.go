package plugin

import "encoding/binary"

// store_get(key*, buf)
func hostStoreGet(c *callContext, s []uint64) uint64 {
	key, dst := c.bytes(s[0], s[1]), c.buffer(s[2], s[3])
	data, err := c.env.AppendStore(c.scratch[:0], key)
	return c.give(dst, data, err)
}

// store_set(key*, data*, ttl_ms)
func hostStoreSet(c *callContext, s []uint64) uint64 {
	key, data := c.bytes(s[0], s[1]), c.bytes(s[2], s[3])
	return result(c.env.StoreSet(key, data, millis(s[4])))
}

// store_delete(key*)
func hostStoreDelete(c *callContext, s []uint64) uint64 {
	key := c.bytes(s[0], s[1])
	return result(c.env.StoreDelete(key))
}

// store_add(key*, delta, ttl_ms, result)
func hostStoreAdd(c *callContext, s []uint64) uint64 {
	key, sum := c.bytes(s[0], s[1]), c.buffer(s[4], 8)
	n, err := c.env.StoreAdd(key, int64(s[2]), millis(s[3]))
	if err != nil {
		return errno(err)
	}
	binary.LittleEndian.PutUint64(sum, uint64(n))
	return 0
}

// timer_set(conn, name*, after_ms)
func hostTimerSet(c *callContext, s []uint64) uint64 {
	name := c.bytes(s[1], s[2])
	return result(c.env.TimerSet(s[0], name, millis(s[3])))
}

// timer_clear(conn, name*)
func hostTimerClear(c *callContext, s []uint64) uint64 {
	name := c.bytes(s[1], s[2])
	return result(c.env.TimerClear(s[0], name))
}
