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
type historyEntry struct {
	Message
	Offset uint64
	seq    uint64
	millis int64 // when it was sent
}

// errDamaged says that a history has something in it that we did not write.
var errDamaged = errors.New("broker: a damaged entry of a history")

// reading gathers the messages of a history up to an offset, a part at a time.
type historyRead struct {
	stream  string
	from    string // id of the entry that the next part begins with
	to      uint64
	entries []historyEntry
	done    bool
}

func newHistoryRead(channel string, from, to uint64) *historyRead {
	return &historyRead{stream: streamKey(channel), from: entryID(from), to: to}
}

func entryID(offset uint64) string { return strconv.FormatUint(offset, 10) + "-0" }

// part asks for about so many bytes.
func (r *historyRead) nextPart(bytes int) rueidis.LuaExec {
	return rueidis.LuaExec{Keys: []string{r.stream}, Args: []string{r.from, entryID(r.to), strconv.Itoa(bytes)}}
}

// take takes a part, and says how large it is. There may be fewer messages than were asked
// for, but then the oldest are missing.
func (r *historyRead) addPart(res rueidis.RedisResult) (size int, err error) {
	values, err := res.AsXRange()
	if err != nil && !rueidis.IsRedisNil(err) {
		return 0, fmt.Errorf("history: %w", err)
	}
	for _, v := range values {
		size += len(v.FieldValues["m"])
		e, err := parseEntry(v)
		if n := len(r.entries); err != nil || n > 0 && e.Offset != r.entries[n-1].Offset+1 {
			r.entries = r.entries[:0] // what is before a gap is of no use
		}
		if err == nil {
			r.entries = append(r.entries, e)
		}
	}
	n := len(r.entries)
	whole := n > 0 && r.entries[n-1].Offset == r.to
	if r.done = whole || len(values) == 0; !r.done {
		r.from = "(" + values[len(values)-1].ID
	} else if !whole {
		r.entries = nil
	}
	return size, nil
}

// readParts asks for the next part of each of some readings in one round trip.
func (b *Broker) readParts(ctx context.Context, all []*historyRead) error {
	ctx, cancel := context.WithTimeout(ctx, b.opts.Timeout)
	defer cancel()
	execs := make([]rueidis.LuaExec, len(all))
	for i, r := range all {
		execs[i] = r.nextPart(b.readLimit.bytes() / len(all))
	}
	start, size := time.Now(), 0
	for i, res := range b.evalScripts(ctx, readScript, execs) {
		n, err := all[i].addPart(res)
		if err != nil {
			b.readLimit.failed(err)
			return err
		}
		size += n
	}
	b.readLimit.answered(size, time.Since(start), b.opts.Timeout)
	return nil
}

func parseEntry(v rueidis.XRangeEntry) (e historyEntry, err error) {
	offset, tail, _ := strings.Cut(v.ID, "-")
	e.Offset, err = strconv.ParseUint(offset, 10, 64)
	if err != nil || tail != "0" {
		return e, errDamaged
	}
	if e.millis, err = strconv.ParseInt(v.FieldValues["t"], 10, 64); err != nil {
		return e, errDamaged
	}
	w := wireReader{rest: []byte(v.FieldValues["m"])}
	node := string(w.bytes())
	e.seq = w.uvarint()
	e.Message = w.message(node)
	if w.invalid || len(w.rest) > 0 {
		return e, errDamaged
	}
	return e, nil
}
