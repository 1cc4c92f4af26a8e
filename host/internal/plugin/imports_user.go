package plugin

// hostIdentify implements identify(conn, user*).
func hostIdentify(c *callContext, s []uint64) uint64 {
	user := c.input(s[1], s[2])
	return errnoResult(c.env.Identify(s[0], user))
}

// hostUser implements user(conn, buf).
func hostUser(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[1], s[2])
	data, err := c.env.AppendUser(c.scratch[:0], s[0])
	return c.output(dst, data, err)
}

// hostOnline implements online(user*).
func hostOnline(c *callContext, s []uint64) uint64 {
	yes, err := c.env.Online(c.input(s[0], s[1]))
	if err != nil {
		return errnoOf(err)
	}
	if yes {
		return 1
	}
	return 0
}

// hostUsers implements users(buf).
func hostUsers(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[0], s[1])
	data, err := c.env.AppendUsers(c.scratch[:0])
	return c.output(dst, data, err)
}
