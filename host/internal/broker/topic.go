package broker

import (
	"strings"
	"sync"
	"time"
)

// Kind says what a topic is.
type Kind byte

// Kinds of topics.
const (
	Room  Kind = 'r'
	User  Kind = 'u'
	Route Kind = 'a' // all connections of a route
)

// Topic is where a message goes. Size and TTL are those of its history.
type Topic struct {
	Route string
	Kind  Kind
	Name  string // of the room or user
	Size  int
	TTL   time.Duration
}

// Position is a place among the messages of a topic.
type Position struct {
	Epoch  string
	Offset uint64
}

// Message is what a topic carries.
type Message struct {
	Frame  []byte // a WebSocket frame; or
	Close  *Close // what ends connections of a user
	Except uint64 // the connection of node Node that it is not for; 0: none
	Node   string // that published it
	ackID  uint64
}

// Close ends connections.
type Close struct {
	Code   int    `json:"code"`
	Reason string `json:"reason,omitempty"`
}

// topic is a Topic at work.
type topic struct {
	Topic   // Size and TTL are changed by the goroutine of link alone, with mu held
	channel string

	// guarded by Broker.mu
	subscriptions int   // members here are of so many: a route that ends and one that begins may have the same path
	requested     Topic // as the last Subscribe had it: its history is the one of now
	newSubscriber bool  // the first of them has come since takeChanged, and is to be told where the topic stands
	subscribed    bool  // Redis has confirmed it, on the link of now
	inChanged     bool  // is in Broker.changed
	inReady       bool  // is in Broker.ready
	inBlocked     bool  // is in Broker.stalled

	// Locks from the outside in: topic.mu, those of the hub, Broker.mu.
	mu               sync.Mutex
	removed          bool // not in Broker.topics any more
	syncing          bool // wanted, and not yet known where it stands: received and to be sent wait
	held             []batch
	heldBytes        int      // bytes in pending
	heldOverflow     bool     // more has come than pending may have
	position         Position // of the last message that was delivered here
	positioned       bool
	queue            []outgoing // first those that Redis has and that did not come back yet, then those on their way, then those that wait
	accepted         int        // how many of out Redis has
	inFlight         int        // how many after them are on their way
	lastSent         uint64     // number of the last message that was ever on its way: Redis may have it
	nextSeq          uint64
	firstSeq         uint64              // the first that nextSeq was
	lastEcho         uint64              // number of the last message of this node that came back
	blocked          bool                // Redis did not take the last batch, and may take it later
	deliveredLocally map[uint64]struct{} // numbers of messages that were delivered here by ourselves, and may still come
}

// channelOf is the name of a topic's channel, and begins those of its keys. What
// is in braces decides the slot in a cluster, so that a script can use all.
func (b *Broker) channelOf(t Topic) string {
	return b.opts.Prefix + ":{" + string(t.Kind) + "|" + escapeTag(t.Route) + "|" + escapeTag(t.Name) + "}"
}

var tagEscaper = strings.NewReplacer("%", "%25", "}", "%7D", "|", "%7C")

func escapeTag(s string) string { return tagEscaper.Replace(s) }

// Control channels are all in one slot: what a node says comes in its order.
func (b *Broker) clusterChannel() string         { return b.opts.Prefix + ":{c}" }
func (b *Broker) nodeChannel(node string) string { return b.opts.Prefix + ":{c}:" + node }
func metaKey(channel string) string              { return channel + ":m" }
func streamKey(channel string) string            { return channel + ":s" }
func senderKey(channel, node string) string      { return channel + ":i:" + node }

// topic finds a topic, and makes it where it is not there; mu is held.
func (b *Broker) ensureTopic(t Topic) *topic {
	ch := b.channelOf(t)
	x := b.topics[ch]
	if x == nil {
		now := b.nowMicros() // a script counts to 2^53
		x = &topic{Topic: t, requested: t, channel: ch, nextSeq: now, firstSeq: now}
		b.topics[ch] = x
	}
	return x
}

// ours says whether a message is one that this process has sent: one of its name before
// may have counted further. x.mu is held.
func (b *Broker) isOwn(x *topic, node string, seq uint64) bool {
	return node == b.opts.Node && seq >= x.firstSeq && seq < x.nextSeq
}

// Subscribe has messages of a topic delivered here. It may be called with locks
// of the hub held, and does not wait: what is published after it waits until
// Redis has confirmed.
func (b *Broker) Subscribe(t Topic) { b.addSubscriptions(t, 1) }

// Unsubscribe takes one Subscribe back.
func (b *Broker) Unsubscribe(t Topic) { b.addSubscriptions(t, -1) }

func (b *Broker) addSubscriptions(t Topic, more int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.ensureTopic(t)
	x.subscriptions += more
	x.newSubscriber = x.newSubscriber || more > 0
	if more > 0 && x.requested != t { // a route has come again with another history: the members are to know where that stands
		x.requested, x.subscribed = t, false
	}
	b.markChanged(x)
}

// micros is the time in microseconds, which never goes back while this node runs:
// the numbers of a topic that was forgotten go on above those that Redis knows.
func (b *Broker) nowMicros() uint64 {
	return uint64(b.start.UnixMicro() + time.Since(b.start).Microseconds())
}

// note has the link compare what is wanted with what is; mu is held.
func (b *Broker) markChanged(x *topic) {
	if !x.inChanged {
		x.inChanged = true
		b.changed = append(b.changed, x)
		signal(b.subscriptionWork)
	}
}

// Settled says whether members hear what is sent to a topic, as far as they ever
// will: it is false between Subscribe and the answer of Redis.
func (b *Broker) Settled(t Topic) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.topics[b.channelOf(t)]
	return x == nil || x.subscriptions == 0 || x.subscribed || !b.up.Load()
}

// unheard says that members here wait for a topic that is not subscribed yet.
func (b *Broker) awaitsSubscription(x *topic) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return x.subscriptions > 0 && !x.subscribed
}

// forget drops a topic that nobody has to do with.
func (b *Broker) removeUnused(x *topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if x.subscriptions == 0 && !x.subscribed && !x.inReady && !x.inChanged && !x.inBlocked && len(x.queue) == 0 && b.topics[x.channel] == x {
		delete(b.topics, x.channel)
		x.removed = true
	}
}
