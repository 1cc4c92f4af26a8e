package broker

import (
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// States of Redis that end by themselves.
var (
	// It is looked for another one, or for this one again.
	linkBreakingCodes = []string{"MOVED", "ASK", "READONLY", "LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "BUSY"}
	// It only does not write: too few replicas, no memory, no disk.
	writeBlockingCodes = []string{"NOREPLICAS", "OOM", "MISCONF"}
)

// codeOf is the first word of what Redis says, also where its version 6 says that in a text about a script:
// ERR Error running script (call to f_…): @user_script:1: @user_script: 1: -READONLY You can't …
func errorCode(text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return ""
	}
	if words[0] == "ERR" && strings.Contains(text, "@user_script") {
		for _, w := range words {
			if code := strings.TrimPrefix(w, "-"); slices.Contains(linkBreakingCodes, code) || slices.Contains(writeBlockingCodes, code) {
				return code
			}
		}
	}
	return words[0]
}

// isPassing says that Redis has a state that ends by itself, and that the link is to be
// looked for again until then.
func breaksLink(e *rueidis.RedisError) bool {
	return slices.Contains(linkBreakingCodes, errorCode(e.Error()))
}

// isWaiting says that Redis answers, and takes nothing for a while.
func blocksWrites(e *rueidis.RedisError) bool {
	return slices.Contains(writeBlockingCodes, errorCode(e.Error()))
}

// stallTime is how long nothing is tried after Redis has taken nothing.
const retryInterval = time.Second / 2

// stall has a topic with a history wait until Redis takes something again. The members here
// have what waits at once, as if there was no link. Without a history they are all who get it.
func (b *Broker) blockTopic(x *topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.Size == 0 {
		b.deliverRefusedLocked(x)
		return
	}
	b.deliverQueuedLocked(x)
	x.blocked, x.inFlight = true, 0
	b.mu.Lock()
	defer b.mu.Unlock()
	if !x.inBlocked {
		x.inBlocked = true
		b.blocked = append(b.blocked, x)
	}
	b.scheduleRetry()
}

// tryLater has one of the topics that wait tried after a while; mu is held.
func (b *Broker) scheduleRetry() {
	if b.retryScheduled || len(b.blocked) == 0 {
		return
	}
	b.retryScheduled = true
	time.AfterFunc(retryInterval, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.retryScheduled = false
		b.unblock(1) // it tells whether the others can go on
		b.scheduleRetry()
	})
}

// unstall has topics that wait tried; mu is held.
func (b *Broker) unblock(n int) {
	n = min(n, len(b.blocked))
	for _, x := range b.blocked[:n] {
		x.inBlocked = false
		b.makeReady(x)
	}
	b.blocked = slices.Delete(b.blocked, 0, n)
}

// takesNothing says so once, until Redis takes something again.
func (b *Broker) markWritesBlocked(err error) {
	if !b.writesBlocked.Swap(true) {
		b.log.Error("broker: Redis takes no messages for now; what has a history waits, the rest reaches this node alone", "err", err)
	}
}

// takesAgain has all go on that wait, if the one that Redis has taken something of was one
// of them; x.mu is held.
func (b *Broker) resumeWrites(x *topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if x.blocked {
		b.unblock(len(b.blocked))
	}
	if x.blocked = false; len(b.blocked) == 0 && b.writesBlocked.Swap(false) {
		b.log.Warn("broker: Redis takes messages again")
	}
}

// refused gives messages that Redis does not take to the members here.
func (b *Broker) deliverRefused(x *topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b.deliverRefusedLocked(x)
}

// refuse is refused; x.mu is held.
func (b *Broker) deliverRefusedLocked(x *topic) {
	n := x.accepted + x.inFlight
	for i := range x.queue[:n] {
		o := &x.queue[i]
		coming := i < x.accepted && o.seq > x.lastEcho // and still goes before
		if !o.delivered && (i >= x.accepted || coming) {
			b.deliverLocally(x, o)
		}
		if coming {
			x.markDelivered(o.seq)
		} else {
			delete(x.deliveredLocally, o.seq)
		}
	}
	b.stats.unsent.Add(uint64(x.inFlight))
	x.accepted, x.inFlight = 0, 0
	b.dropFront(x, n)
	b.resumeSending(x) // nothing has landed any more
}
