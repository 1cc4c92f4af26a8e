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
	breaking = []string{"MOVED", "ASK", "READONLY", "LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "BUSY"}
	// It only does not write: too few replicas, no memory, no disk.
	waiting = []string{"NOREPLICAS", "OOM", "MISCONF"}
)

// codeOf is the first word of what Redis says, also where its version 6 says that in a text about a script:
// ERR Error running script (call to f_…): @user_script:1: @user_script: 1: -READONLY You can't …
func codeOf(text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return ""
	}
	if words[0] == "ERR" && strings.Contains(text, "@user_script") {
		for _, w := range words {
			if code := strings.TrimPrefix(w, "-"); slices.Contains(breaking, code) || slices.Contains(waiting, code) {
				return code
			}
		}
	}
	return words[0]
}

// isPassing says that Redis has a state that ends by itself, and that the link is to be
// looked for again until then.
func isPassing(e *rueidis.RedisError) bool { return slices.Contains(breaking, codeOf(e.Error())) }

// isWaiting says that Redis answers, and takes nothing for a while.
func isWaiting(e *rueidis.RedisError) bool { return slices.Contains(waiting, codeOf(e.Error())) }

// stallTime is how long nothing is tried after Redis has taken nothing.
const stallTime = time.Second / 2

// stall has a topic with a history wait until Redis takes something again. The members here
// have what waits at once, as if there was no link. Without a history they are all who get it.
func (b *Broker) stall(x *topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.Size == 0 {
		b.refuse(x)
		return
	}
	b.divertOut(x)
	x.waits, x.flying = true, 0
	b.mu.Lock()
	defer b.mu.Unlock()
	if !x.stalled {
		x.stalled = true
		b.stalled = append(b.stalled, x)
	}
	b.tryLater()
}

// tryLater has one of the topics that wait tried after a while; mu is held.
func (b *Broker) tryLater() {
	if b.later || len(b.stalled) == 0 {
		return
	}
	b.later = true
	time.AfterFunc(stallTime, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.later = false
		b.unstall(1) // it tells whether the others can go on
		b.tryLater()
	})
}

// unstall has topics that wait tried; mu is held.
func (b *Broker) unstall(n int) {
	n = min(n, len(b.stalled))
	for _, x := range b.stalled[:n] {
		x.stalled = false
		b.makeReady(x)
	}
	b.stalled = slices.Delete(b.stalled, 0, n)
}

// takesNothing says so once, until Redis takes something again.
func (b *Broker) takesNothing(err error) {
	if !b.refusing.Swap(true) {
		b.log.Error("broker: Redis takes no messages for now; what has a history waits, the rest reaches this node alone", "err", err)
	}
}

// takesAgain has all go on that wait, if the one that Redis has taken something of was one
// of them; x.mu is held.
func (b *Broker) takesAgain(x *topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if x.waits {
		b.unstall(len(b.stalled))
	}
	if x.waits = false; len(b.stalled) == 0 && b.refusing.Swap(false) {
		b.log.Warn("broker: Redis takes messages again")
	}
}

// refused gives messages that Redis does not take to the members here.
func (b *Broker) refused(x *topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b.refuse(x)
}

// refuse is refused; x.mu is held.
func (b *Broker) refuse(x *topic) {
	n := x.landed + x.flying
	for i := range x.out[:n] {
		o := &x.out[i]
		coming := i < x.landed && o.seq > x.heard // and still goes before
		if !o.local && (i >= x.landed || coming) {
			b.deliverHere(x, o)
		}
		if coming {
			x.remember(o.seq)
		} else {
			delete(x.local, o.seq)
		}
	}
	b.stats.unsent.Add(uint64(x.flying))
	x.landed, x.flying = 0, 0
	b.drop(x, n)
	b.goOn(x) // nothing has landed any more
}
