package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// entry is a message of a history.
type entry struct {
	Message
	Offset uint64
	seq    uint64
	ms     int64 // when it was sent
}

// errDamaged says that a history has something in it that we did not write.
var errDamaged = errors.New("broker: a damaged entry of a history")

// reading gathers the messages of a history up to an offset, a part at a time.
type reading struct {
	stream string
	from   string // id of the entry that the next part begins with
	to     uint64
	found  []entry
	done   bool
}

func newReading(channel string, from, to uint64) *reading {
	return &reading{stream: streamKey(channel), from: entryID(from), to: to}
}

func entryID(offset uint64) string { return strconv.FormatUint(offset, 10) + "-0" }

// part asks for about so many bytes.
func (r *reading) part(bytes int) rueidis.LuaExec {
	return rueidis.LuaExec{Keys: []string{r.stream}, Args: []string{r.from, entryID(r.to), strconv.Itoa(bytes)}}
}

// take takes a part, and says how large it is. There may be fewer messages than were asked
// for, but then the oldest are missing.
func (r *reading) take(res rueidis.RedisResult) (size int, err error) {
	values, err := res.AsXRange()
	if err != nil && !rueidis.IsRedisNil(err) {
		return 0, fmt.Errorf("history: %w", err)
	}
	for _, v := range values {
		size += len(v.FieldValues["m"])
		e, err := parseEntry(v)
		if n := len(r.found); err != nil || n > 0 && e.Offset != r.found[n-1].Offset+1 {
			r.found = r.found[:0] // what is before a gap is of no use
		}
		if err == nil {
			r.found = append(r.found, e)
		}
	}
	n := len(r.found)
	whole := n > 0 && r.found[n-1].Offset == r.to
	if r.done = whole || len(values) == 0; !r.done {
		r.from = "(" + values[len(values)-1].ID
	} else if !whole {
		r.found = nil
	}
	return size, nil
}

// readParts asks for the next part of each of some readings in one round trip.
func (b *Broker) readParts(ctx context.Context, all []*reading) error {
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	execs := make([]rueidis.LuaExec, len(all))
	for i, r := range all {
		execs[i] = r.part(b.reads.bytes() / len(all))
	}
	start, size := time.Now(), 0
	for i, res := range b.eval(ctx, readScript, execs) {
		n, err := all[i].take(res)
		if err != nil {
			b.reads.broken(err)
			return err
		}
		size += n
	}
	b.reads.answered(size, time.Since(start), b.o.Timeout)
	return nil
}

func parseEntry(v rueidis.XRangeEntry) (e entry, err error) {
	offset, tail, _ := strings.Cut(v.ID, "-")
	e.Offset, err = strconv.ParseUint(offset, 10, 64)
	if err != nil || tail != "0" {
		return e, errDamaged
	}
	if e.ms, err = strconv.ParseInt(v.FieldValues["t"], 10, 64); err != nil {
		return e, errDamaged
	}
	w := wire{p: []byte(v.FieldValues["m"])}
	node := string(w.bytes())
	e.seq = w.uvarint()
	e.Message = w.message(node)
	if w.bad || len(w.p) > 0 {
		return e, errDamaged
	}
	return e, nil
}
