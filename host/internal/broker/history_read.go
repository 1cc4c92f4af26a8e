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

// historyEntry is an entry of a history's stream.
type historyEntry struct {
	Message
	Offset uint64
	seq    uint64
	millis int64 // Unix time of the publication, by the clock of Redis
}

// errDamaged is an entry of a history that no node wrote.
var errDamaged = errors.New("broker: damaged history entry")

// historyRead reads the messages of a history up to an offset, part by part.
type historyRead struct {
	stream  string
	from    string // first entry id of the next part
	to      uint64
	entries []historyEntry // without gaps
	done    bool
}

func newHistoryRead(channel string, from, to uint64) *historyRead {
	return &historyRead{stream: streamKey(channel), from: entryID(from), to: to}
}

// entryID returns the id of an offset's entry in the stream.
func entryID(offset uint64) string { return strconv.FormatUint(offset, 10) + "-0" }

// nextPart returns the command that reads about a number of bytes.
func (r *historyRead) nextPart(bytes int) rueidis.LuaExec {
	args := []string{r.from, entryID(r.to), strconv.Itoa(bytes)}
	return rueidis.LuaExec{Keys: []string{r.stream}, Args: args}
}

// addPart adds a part and returns its size. The history may lack messages; the entries are then those
// after the last gap.
func (r *historyRead) addPart(res rueidis.RedisResult) (size int, err error) {
	values, err := res.AsXRange()
	if err != nil && !rueidis.IsRedisNil(err) {
		return 0, fmt.Errorf("history: %w", err)
	}
	for _, v := range values {
		size += len(v.FieldValues["m"])
		e, err := parseEntry(v)
		if n := len(r.entries); err != nil || n > 0 && e.Offset != r.entries[n-1].Offset+1 {
			r.entries = r.entries[:0]
		}
		if err == nil {
			r.entries = append(r.entries, e)
		}
	}
	n := len(r.entries)
	complete := n > 0 && r.entries[n-1].Offset == r.to
	if r.done = complete || len(values) == 0; !r.done {
		r.from = "(" + values[len(values)-1].ID
	} else if !complete {
		r.entries = nil
	}
	return size, nil
}

// readParts reads the next part of each history in one round trip.
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

// parseEntry reads an entry: its id is the offset, field t the time and field m the message.
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
