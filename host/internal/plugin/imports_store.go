package plugin

import "encoding/binary"

// hostStoreGet implements store_get(key*, buf).
func hostStoreGet(c *callContext, s []uint64) uint64 {
	key, dst := c.input(s[0], s[1]), c.buffer(s[2], s[3])
	data, err := c.env.AppendStore(c.scratch[:0], key)
	return c.output(dst, data, err)
}

// hostStoreSet implements store_set(key*, data*, ttl_ms).
func hostStoreSet(c *callContext, s []uint64) uint64 {
	key, data := c.input(s[0], s[1]), c.input(s[2], s[3])
	return errnoResult(c.env.StoreSet(key, data, millis(s[4])))
}

// hostStoreDelete implements store_delete(key*).
func hostStoreDelete(c *callContext, s []uint64) uint64 {
	key := c.input(s[0], s[1])
	return errnoResult(c.env.StoreDelete(key))
}

// hostStoreAdd implements store_add(key*, delta, ttl_ms, result).
func hostStoreAdd(c *callContext, s []uint64) uint64 {
	key, sum := c.input(s[0], s[1]), c.buffer(s[4], 8)
	n, err := c.env.StoreAdd(key, int64(s[2]), millis(s[3]))
	if err != nil {
		return errnoOf(err)
	}
	binary.LittleEndian.PutUint64(sum, uint64(n))
	return 0
}
