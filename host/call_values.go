package host

import (
	"iter"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/store"
)

// AppendValue implements plugin.Env.
func (c *call) AppendValue(dst []byte, id ConnID, key []byte) ([]byte, error) {
	conn, err := c.findConnFor(id, key)
	if err != nil {
		return dst, err
	}
	if e := c.valueEffect(conn, key); e != nil {
		if e.kind == effectDeleteValue {
			return dst, abi.NotFound
		}
		return append(dst, c.bytes(e.data)...), nil
	}
	dst, ok := conn.values.Append(dst, key)
	if !ok {
		return dst, abi.NotFound
	}
	return dst, nil
}

// SetValue implements plugin.Env.
func (c *call) SetValue(id ConnID, key, data []byte) error {
	conn, err := c.findConnFor(id, key)
	if err != nil {
		return err
	}
	all, one := c.valueBytes(conn, key)
	if all-one+store.EntryBytes(len(key), len(data)) > c.set.limits.ValueBytes {
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
	return c.addValue(key, one, effect{kind: effectSetValue, conn: conn, name: k, data: d})
}

// DeleteValue implements plugin.Env.
func (c *call) DeleteValue(id ConnID, key []byte) error {
	conn, err := c.findConnFor(id, key)
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
	return c.addValue(key, one, effect{kind: effectDeleteValue, conn: conn, name: k})
}

// addValue adds an effect on a value. before is the size of the value before it.
func (c *call) addValue(key []byte, before int, e effect) error {
	if err := c.add(e); err != nil {
		return err
	}
	m := c.changesOf(e.conn)
	if m.values == nil {
		m.values = map[string]int{}
	}
	m.values[string(key)] = len(c.effects) - 1
	m.added += e.valueBytes() - before
	return nil
}

// valueEffect returns the last effect on a value, nil for none.
func (c *call) valueEffect(conn *conn, key []byte) *effect {
	if m := c.membership.conns[conn]; m != nil {
		if i, ok := m.values[string(key)]; ok {
			return &c.effects[i]
		}
	}
	return nil
}

// valueBytes returns the size of the values of a connection and that of one key,
// the hook's own effects included.
func (c *call) valueBytes(conn *conn, key []byte) (all, one int) {
	all, one = conn.values.Bytes(key)
	if m := c.membership.conns[conn]; m != nil {
		all += m.added
	}
	if e := c.valueEffect(conn, key); e != nil {
		one = e.valueBytes()
	}
	return all, one
}

// valueBytes returns the size of a value after the effect, as store.EntryBytes counts it.
func (e *effect) valueBytes() int {
	if e.kind == effectDeleteValue {
		return 0
	}
	return store.EntryBytes(e.name.len(), e.data.len())
}

// valueSizes yields the keys that the hook changes, with the sizes of their values.
func (c *call) valueSizes(m *connChanges) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for key, i := range m.values {
			if !yield(key, c.effects[i].valueBytes()) {
				return
			}
		}
	}
}
