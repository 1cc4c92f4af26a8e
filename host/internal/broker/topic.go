package broker

import (
	"strings"
	"sync"
	"time"
)

// Kind is the kind of a topic.
type Kind byte

// Kinds of topics.
const (
	Room  Kind = 'r'
	User  Kind = 'u'
	Route Kind = 'a' // all connections of a route
)

// Topic names a destination of messages. Size and TTL limit its history; Size 0 means no history.
type Topic struct {
	Route string
	Kind  Kind
	Name  string // of the room or user
	Size  int
	TTL   time.Duration
}

// metaTTL is how long Redis keeps the numbers of a topic after its last message. A node that was
// cut off for less can tell what it missed.
func (t Topic) metaTTL() time.Duration { return max(time.Hour, 2*t.TTL) }

// Position is a position in the messages of a topic.
type Position struct {
	Epoch  string
	Offset uint64
}

// topic is the state of a Topic on this node.
type topic struct {
	Topic   // Size and TTL are changed by runLink alone, with mu held
	channel string

	// Guarded by Broker.mu.
	subscriptions int   // calls of Subscribe less those of Unsubscribe
	requested     Topic // of the last Subscribe, whose history applies
	newSubscriber bool  // Subscribe was called since takeChanged
	subscribed    bool  // on the present link, and resynced
	inChanged     bool  // is in Broker.changed
	inReady       bool  // is in Broker.ready
	inBlocked     bool  // is in Broker.blocked

	mu      sync.Mutex
	removed bool // from Broker.topics

	// Receiving; guarded by mu.
	position     Position // of the last message delivered here
	positioned   bool     // position is known
	syncing      bool     // a resync is due: batches are held, and nothing is sent
	held         []batch
	heldBytes    int
	heldOverflow bool // held has reached its limit, and batches were dropped

	// Sending; guarded by mu. queue has the messages that Redis accepted and that did not come back
	// yet, then those in flight, then those that wait.
	queue            []outgoing
	accepted         int                 // messages at the front of queue that Redis accepted
	inFlight         int                 // messages after those whose batch is in flight
	firstSeq         uint64              // sequence number of the first message ever queued
	nextSeq          uint64              // sequence number of the next message
	lastSent         uint64              // highest sequence number ever in flight: Redis may have it
	lastEcho         uint64              // sequence number of the last own message that came back
	blocked          bool                // Redis refused the last batch and may accept it later
	deliveredLocally map[uint64]struct{} // sequence numbers of messages delivered here that may still come back
}

// isOwn reports whether this process sent a message. An earlier process of the same node name may
// have used higher numbers. tp.mu is held.
func (b *Broker) isOwn(tp *topic, node string, seq uint64) bool {
	return node == b.opts.Node && seq >= tp.firstSeq && seq < tp.nextSeq
}

// channelOf returns the name of a topic's channel, which begins the names of its keys.
func (b *Broker) channelOf(t Topic) string {
	return b.opts.Prefix + ":{" + string(t.Kind) + "|" + escapeTag(t.Route) + "|" + escapeTag(t.Name) + "}"
}

var tagEscaper = strings.NewReplacer("%", "%25", "}", "%7D", "|", "%7C")

func escapeTag(s string) string { return tagEscaper.Replace(s) }

// clusterChannel and nodeChannel return the channels of cluster messages to all nodes and to one. They
// share one slot, so that a node's messages keep their order.
func (b *Broker) clusterChannel() string         { return b.opts.Prefix + ":{c}" }
func (b *Broker) nodeChannel(node string) string { return b.opts.Prefix + ":{c}:" + node }

func metaKey(channel string) string         { return channel + ":m" }
func streamKey(channel string) string       { return channel + ":s" }
func senderKey(channel, node string) string { return channel + ":i:" + node }

// ensureTopic returns the state of a topic, which it creates if there is none; mu is held.
func (b *Broker) ensureTopic(t Topic) *topic {
	ch := b.channelOf(t)
	tp := b.topics[ch]
	if tp == nil {
		now := b.nowMicros()
		tp = &topic{Topic: t, requested: t, channel: ch, nextSeq: now, firstSeq: now}
		b.topics[ch] = tp
	}
	return tp
}

// nowMicros returns the time in microseconds, which never goes back while this process runs. So the
// sequence numbers of a topic that was removed and created again stay above those that Redis knows,
// and below 2^53, which is exact in Lua.
func (b *Broker) nowMicros() uint64 {
	return uint64(b.start.UnixMicro() + time.Since(b.start).Microseconds())
}

// lockTopic returns the state of a topic with its lock held.
func (b *Broker) lockTopic(t Topic) *topic {
	for {
		b.mu.Lock()
		tp := b.ensureTopic(t)
		b.mu.Unlock()
		tp.mu.Lock()
		if !tp.removed {
			return tp
		}
		tp.mu.Unlock()
	}
}

// removeUnused removes a topic that has no members here, nothing queued and no pending work.
func (b *Broker) removeUnused(tp *topic) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	busy := tp.subscriptions != 0 || tp.subscribed || tp.inReady || tp.inChanged || tp.inBlocked || len(tp.queue) > 0
	if !busy && b.topics[tp.channel] == tp {
		delete(b.topics, tp.channel)
		tp.removed = true
	}
}
