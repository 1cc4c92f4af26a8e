package plugin

// hostParam implements param(conn, name*, buf).
func hostParam(c *callContext, s []uint64) uint64 {
	name, dst := c.input(s[1], s[2]), c.buffer(s[3], s[4])
	data, err := c.env.AppendParam(c.scratch[:0], s[0], name)
	return c.output(dst, data, err)
}

// hostQuery implements query(conn, name*, buf).
func hostQuery(c *callContext, s []uint64) uint64 {
	name, dst := c.input(s[1], s[2]), c.buffer(s[3], s[4])
	data, err := c.env.AppendQuery(c.scratch[:0], s[0], name)
	return c.output(dst, data, err)
}

// hostHeader implements header(conn, name*, buf).
func hostHeader(c *callContext, s []uint64) uint64 {
	name, dst := c.input(s[1], s[2]), c.buffer(s[3], s[4])
	data, err := c.env.AppendHeader(c.scratch[:0], s[0], name)
	return c.output(dst, data, err)
}

// hostRemoteAddr implements remote_addr(conn, buf).
func hostRemoteAddr(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[1], s[2])
	data, err := c.env.AppendRemoteAddr(c.scratch[:0], s[0])
	return c.output(dst, data, err)
}

// hostSubprotocol implements subprotocol(conn, buf).
func hostSubprotocol(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[1], s[2])
	data, err := c.env.AppendSubprotocol(c.scratch[:0], s[0])
	return c.output(dst, data, err)
}

// hostClaims implements claims(conn, buf).
func hostClaims(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[1], s[2])
	data, err := c.env.AppendClaims(c.scratch[:0], s[0])
	return c.output(dst, data, err)
}

// hostValueGet implements value_get(conn, key*, buf).
func hostValueGet(c *callContext, s []uint64) uint64 {
	key, dst := c.input(s[1], s[2]), c.buffer(s[3], s[4])
	data, err := c.env.AppendValue(c.scratch[:0], s[0], key)
	return c.output(dst, data, err)
}

// hostValueSet implements value_set(conn, key*, data*).
func hostValueSet(c *callContext, s []uint64) uint64 {
	key, data := c.input(s[1], s[2]), c.input(s[3], s[4])
	return errnoResult(c.env.SetValue(s[0], key, data))
}

// hostValueDelete implements value_delete(conn, key*).
func hostValueDelete(c *callContext, s []uint64) uint64 {
	key := c.input(s[1], s[2])
	return errnoResult(c.env.DeleteValue(s[0], key))
}
