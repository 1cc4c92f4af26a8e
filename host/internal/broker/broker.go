// Package broker joins the nodes of a cluster over Redis: what is sent to a
// room or a user reaches its members on every node in one order, each node knows
// who is present on the others, and what rooms were sent can be read again. It
// knows Redis and bytes, and neither sockets nor plugins.
//
// Each room, user and route is a topic. A script in Redis numbers the messages of
// a topic, keeps them where the topic has a history, and publishes them: so all nodes see
// one order, and a node that was cut off can tell what it has missed.
package broker

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Options configure a Broker. URL, Node and all functions are needed.
type Options struct {
	// URL of the Redis, as in redis://user:password@host:6379/0, rediss:// for
	// TLS, with ?addr=host:port for more nodes of a cluster, or ?master_set=name for sentinels.
	URL string
	// Node is the name of this node. No two nodes may have the same.
	Node string
	// TLS says what to trust where the URL is rediss://. nil: the system's roots.
	TLS *tls.Config
	// Prefix begins the names of all keys and channels. Empty: "azuhost". Clusters
	// that share a Redis need different ones.
	Prefix string
	// Timeout is how long Redis may take for an answer before the link counts as
	// broken. 0: 1 s.
	Timeout time.Duration
	// TTL is how long a node is believed to be there without a sign of it. 0: 10 s.
	TTL time.Duration
	// MaxQueue bounds the messages that wait for Redis, in bytes. 0: 16 MiB.
	MaxQueue   int
	noSharding bool // do without sharded publications, for tests

	// Log. nil: discard.
	Log *slog.Logger

	// Deliver gives messages of a topic to its members on this node, in order,
	// and says to how many sockets the last of them went. It must not block, and
	// may not call the Broker but for Subscribe and Unsubscribe.
	Deliver func(t Topic, first Position, messages []Message) (sockets int)
	// Pass says that the members have the messages up to a position already.
	Advance func(t Topic, at Position)
	// Place says where a topic stands.
	SetPosition func(t Topic, at Position)
	// Presence says that a user came to a room of the other nodes, or left the last of them.
	// heir: that the user left is for this node to tell its plugin. Two events of a user may
	// come in another order than they happened: Online knows.
	Presence func(c Change, heir bool)
	// Command handles what another node asks of this one, and says for how many
	// sockets that was.
	Command func(c Command) int
}

// Broker is the link of one node. All methods may be called concurrently.
type Broker struct {
	opts   Options
	log    *slog.Logger
	client rueidis.Client
	wg     sync.WaitGroup
	ctx    context.Context // done when the Broker closes
	stop   context.CancelFunc
	up     atomic.Bool

	// set when the link comes up
	clustered atomic.Bool // Redis is a cluster
	sharded   atomic.Bool // which offers sharded publications

	linkFailures     chan error    // the link is broken: for the goroutine of link
	subscriptionWork chan struct{} // topics have to be subscribed or unsubscribed
	sendWork         chan struct{} // there is something to send
	workers          []chan inboundBatch
	publishLimit     batchLimit
	readLimit        batchLimit
	stats            counters
	peers            peers
	receipts         receiptTracker
	nextAckID        atomic.Uint64 // of acks
	incarnation      string        // of this process: the next one of its name has another
	start            time.Time
	lastEcho         atomic.Int64 // nanoseconds after start: when this node heard itself last

	lastTick, resumedAt             atomic.Int64  // nanoseconds after start: when beat ran last, and when it did after it stood still
	heartbeatsSent, heartbeatEchoed atomic.Uint64 // numbers of the last beat that was given, and of the last that came back
	heartbeatNeeded                 atomic.Uint64 // number of a beat that has to come back before this node can tell who is there

	clusterOut     chan outgoingClusterMessage
	clusterIn      chan string   // control messages that have come
	clusterInBytes atomic.Int64  // in heardControls
	requestSlots   chan struct{} // a token for each request to a store
	writesBlocked  atomic.Bool   // Redis takes no messages for now

	mu             sync.Mutex
	topics         map[string]*topic // by channel
	changed        []*topic          // wanted is not subscribed, perhaps
	ready          []*topic          // have messages to send
	blocked        []*topic          // wait until Redis takes messages again
	retryScheduled bool              // they are tried again after a while
	unlocks        int               // locks of stores that are being given back
	queuedBytes    int               // bytes that wait, in all topics
	stateSince     time.Time         // the link is up or down
	linkError      error             // why it is down
	ups            int               // how often it came up
	notified       chan struct{}     // closed when the link comes up or has a cause not to, or nothing waits any more
}

type counters struct {
	published, received, unsent, missed, overflow, resets, links atomic.Uint64
}

// Stats are figures of one moment. Counts are of messages.
type Stats struct {
	Connected   bool
	Since       time.Time // of the state
	Cause       error     // why it is not connected
	Links       uint64    // times that the link came up
	Topics      int
	QueuedBytes int
	Nodes       int // this one included
	Published   uint64
	Received    uint64
	// Unsent were delivered on this node alone, as the link was broken.
	Unsent uint64
	// Missed were published while this node could not hear, and no history had them.
	Missed uint64
	// Overflow were to be sent later, but too many waited: others did not get them.
	Overflow uint64
	// Resets are topics that Redis had forgotten.
	Resets uint64
}

// Check says what makes no sense, without connecting.
func (o Options) Validate() error {
	_, err := parseURL(o)
	return err
}

// New makes a Broker and begins to connect. It does not wait: see Wait.
func New(o Options) (*Broker, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	b := newBroker(o)
	for range runtime.GOMAXPROCS(0) {
		c := make(chan inboundBatch, 1024)
		b.workers = append(b.workers, c)
		b.wg.Go(func() { b.runWorker(c) })
	}
	b.wg.Go(b.runLink)
	b.wg.Go(b.runSender)
	b.wg.Go(b.runClusterSender)
	b.wg.Go(b.runClusterReceiver)
	b.wg.Go(b.runHeartbeat)
	return b, nil
}

// WithDefaults returns o with its zero fields set.
func (o Options) WithDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, "azuhost")
	o.Timeout = cmp.Or(o.Timeout, time.Second)
	o.TTL = cmp.Or(o.TTL, 10*time.Second)
	o.MaxQueue = cmp.Or(o.MaxQueue, 16<<20)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// newBroker makes a Broker that does nothing yet.
func newBroker(o Options) *Broker {
	o = o.WithDefaults()
	b := &Broker{
		opts: o, log: o.Log,
		linkFailures: make(chan error, 1), subscriptionWork: make(chan struct{}, 1), sendWork: make(chan struct{}, 1),
		topics: map[string]*topic{}, notified: make(chan struct{}),
		incarnation: randomID(),
		start:       time.Now(), stateSince: time.Now(), linkError: errConnecting,
		clusterOut: make(chan outgoingClusterMessage, 4096), requestSlots: make(chan struct{}, maxRequests),
		clusterIn: make(chan string, 4096),
	}
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.peers.init(b)
	b.receipts.waiting = map[uint64]*openReceipt{}
	return b
}

// Wait waits until the link is up. When ctx is done first, or the cause is one that
// only a change of the Options ends, it gives the cause.
func (b *Broker) Wait(ctx context.Context) error {
	var lasting *configError
	b.waitUntil(ctx, func() bool { return b.up.Load() || errors.As(b.Stats().Cause, &lasting) })
	if b.up.Load() {
		return nil
	}
	return fmt.Errorf("broker: no link to Redis: %w", b.Stats().Cause)
}

// await waits until something holds that turn says the word of. false: ctx was
// done first.
func (b *Broker) waitUntil(ctx context.Context, holds func() bool) bool {
	for {
		b.mu.Lock()
		turned := b.notified
		b.mu.Unlock()
		if holds() {
			return true
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return false
		}
	}
}

// turn wakes those who await; mu is held.
func (b *Broker) notify() {
	close(b.notified)
	b.notified = make(chan struct{})
}

// free counts bytes that do not wait any more; mu is held.
func (b *Broker) releaseQueued(n int) {
	if b.queuedBytes -= n; b.queuedBytes == 0 && n > 0 {
		b.notify()
	}
}

// Up says whether the link is up.
func (b *Broker) Up() bool { return b.up.Load() }

// Stats gives the figures of now.
func (b *Broker) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{
		Connected: b.up.Load(), Since: b.stateSince, Cause: b.linkError, Links: b.stats.links.Load(),
		Topics: len(b.topics), QueuedBytes: b.queuedBytes, Nodes: b.peers.count() + 1,
		Published: b.stats.published.Load(), Received: b.stats.received.Load(), Unsent: b.stats.unsent.Load(),
		Missed: b.stats.missed.Load(), Overflow: b.stats.overflow.Load(), Resets: b.stats.resets.Load(),
	}
}

// Close says goodbye to the other nodes and ends the link. What waits to be sent goes out
// first, and locks of stores are given back, if the link is up and ctx allows.
func (b *Broker) Close(ctx context.Context) error {
	err := b.flush(ctx)
	b.announceLeave(ctx)
	b.mu.Lock()
	b.stop()
	b.mu.Unlock()
	b.wg.Wait()
	return err
}

// spawn runs f on a goroutine that Close waits for. false: it does not, as it was called.
func (b *Broker) spawn(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return false
	}
	b.wg.Go(f)
	return true
}

// poke has a goroutine look at what has changed.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
