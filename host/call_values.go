package host

import (
	"sync"

	"github.com/azuhost/azuhost/host/abi"
)

// values are what a plugin keeps with a connection. They live in the host, so
// that they outlast instances and versions. The zero value is empty.
type values struct {
	mu sync.Mutex
	m  map[string][]byte
	n  int // bytes, as entryBytes counts them
}

func (v *values) append(dst, key []byte) ([]byte, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, ok := v.m[string(key)]
	return append(dst, b...), ok
}

// bytes is how many bytes are kept, and how many of them for key.
func (v *values) bytes(key []byte) (all, one int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.m[string(key)]; ok {
		one = entryBytes(len(key), len(old))
	}
	return v.n, one
}

func (v *values) set(key string, b []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil {
		v.m = map[string][]byte{}
	}
	if old, ok := v.m[key]; ok {
		v.n -= entryBytes(len(key), len(old))
	}
	v.n += entryBytes(len(key), len(b))
	v.m[key] = append([]byte(nil), b...)
}

func (v *values) delete(key []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.m[string(key)]; ok {
		v.n -= entryBytes(len(key), len(old))
		delete(v.m, string(key))
	}
}

// after is how many bytes are kept, and how many there would be with what c has asked for.
func (v *values) after(c *call, keys map[string]int) (now, then int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	then = v.n
	for key, i := range keys {
		if old, ok := v.m[key]; ok {
			then -= entryBytes(len(key), len(old))
		}
		then += c.ops[i].valueBytes()
	}
	return v.n, then
}

// valueBytes is what an op about a value leaves, as entryBytes counts.
func (o *op) valueBytes() int {
	if o.kind == opDeleteValue {
		return 0
	}
	return entryBytes(o.name.to-o.name.from, o.data.to-o.data.from)
}

// AppendValue implements Env.
func (c *call) AppendValue(dst []byte, id uint64, key []byte) ([]byte, error) {
	conn, err := c.findNamed(id, key)
	if err != nil {
		return dst, err
	}
	if o := c.valueOp(conn, key); o != nil {
		if o.kind == opDeleteValue {
			return dst, abi.NotFound
		}
		return append(dst, c.bytes(o.data)...), nil
	}
	dst, ok := conn.values.append(dst, key)
	if !ok {
		return dst, abi.NotFound
	}
	return dst, nil
}

// valueOp is the last op about a value; nil: none.
func (c *call) valueOp(conn *conn, key []byte) *op {
	if m := c.moves.conns[conn]; m != nil {
		if i, ok := m.values[string(key)]; ok {
			return &c.ops[i]
		}
	}
	return nil
}

// valueBytes is how many bytes a connection keeps, as the hook sees it, and how many
// of them for key.
func (c *call) valueBytes(conn *conn, key []byte) (all, one int) {
	all, one = conn.values.bytes(key)
	if m := c.moves.conns[conn]; m != nil {
		all += m.grown
	}
	if o := c.valueOp(conn, key); o != nil {
		one = o.valueBytes()
	}
	return all, one
}

// SetValue implements Env.
func (c *call) SetValue(id uint64, key, data []byte) error {
	conn, err := c.findNamed(id, key)
	if err != nil {
		return err
	}
	all, one := c.valueBytes(conn, key)
	if all-one+entryBytes(len(key), len(data)) > c.set.limits.ValueBytes {
		return abi.Limit
	}
	k, err := c.keep(key)
	if err != nil {
		return err
	}
	d, err := c.keep(data)
	if err != nil {
		return err
	}
	return c.addValue(conn, key, one, op{kind: opSetValue, conn: conn, name: k, data: d})
}

// DeleteValue implements Env.
func (c *call) DeleteValue(id uint64, key []byte) error {
	conn, err := c.findNamed(id, key)
	if err != nil {
		return err
	}
	_, one := c.valueBytes(conn, key)
	if one == 0 {
		return abi.NotFound
	}
	k, err := c.keep(key)
	if err != nil {
		return err
	}
	return c.addValue(conn, key, one, op{kind: opDeleteValue, conn: conn, name: k})
}

// addValue gathers an op about a value. before is what it has taken so far, in bytes.
func (c *call) addValue(conn *conn, key []byte, before int, o op) error {
	if err := c.add(o); err != nil {
		return err
	}
	m := c.movesOf(conn)
	if m.values == nil {
		m.values = map[string]int{}
	}
	m.values[string(key)] = len(c.ops) - 1
	m.grown += o.valueBytes() - before
	return nil
}
