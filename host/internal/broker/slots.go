package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/redis/rueidis"
)

// slotRange is a range of slots of a Redis Cluster.
type slotRange struct {
	from, to int64
	addr     string // of the master
}

// readSlots asks a Redis Cluster for its slots. It returns nil if the cluster has no sharded
// publications: it is older than Redis 7, or the user may not ask.
func (b *Broker) readSlots() (ranges []slotRange, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	known, err := b.client.Do(ctx, b.client.B().Arbitrary("COMMAND", "INFO", "SPUBLISH").Build()).ToArray()
	var refused *rueidis.RedisError
	switch {
	case errors.As(err, &refused) && !breaksLink(refused):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("commands of Redis: %w", err)
	case len(known) != 1 || known[0].IsNil():
		return nil, nil
	}
	values, err := b.client.Do(ctx, b.client.B().ClusterSlots().Build()).ToArray()
	if err != nil {
		return nil, fmt.Errorf("slots of the Redis Cluster: %w", err)
	}
	for _, v := range values {
		r, err := parseSlotRange(v)
		if err != nil {
			return nil, fmt.Errorf("slots of the Redis Cluster: %w", err)
		}
		ranges = append(ranges, r)
	}
	if len(ranges) == 0 {
		return nil, errors.New("the Redis Cluster has no slots")
	}
	return ranges, nil
}

// parseSlotRange parses an element of CLUSTER SLOTS: from, to and servers, the master first. A server
// is host, port and more.
func parseSlotRange(m rueidis.RedisMessage) (r slotRange, err error) {
	v, err := m.ToArray()
	if err != nil || len(v) < 3 {
		return r, errUnexpected
	}
	master, err := v[2].ToArray()
	if err != nil || len(master) < 2 {
		return r, errUnexpected
	}
	var e [4]error
	var host string
	var port int64
	r.from, e[0] = v[0].AsInt64()
	r.to, e[1] = v[1].AsInt64()
	host, e[2] = master[0].ToString()
	port, e[3] = master[1].AsInt64()
	if errors.Join(e[:]...) != nil {
		return r, errUnexpected
	}
	r.addr = net.JoinHostPort(host, strconv.FormatInt(port, 10))
	return r, nil
}
