package broker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Broker is one node's link to the cluster. Its methods may be called concurrently.
type Broker struct {
	opts        Options
	log         *slog.Logger
	incarnation string // random; differs for each process of one node name
	start       time.Time

	ctx    context.Context // done when the Broker closes
	stop   context.CancelFunc
	wg     sync.WaitGroup
	client rueidis.Client // created by runLink before the link first comes up

	linkFailures     chan error    // errors that break the link, for runLink
	subscriptionWork chan struct{} // signals runLink that changed is not empty
	sendWork         chan struct{} // signals runSender that ready is not empty
	workers          []chan inboundBatch
	clusterOut       chan outgoingClusterMessage
	clusterIn        chan string
	clusterInBytes   atomic.Int64  // bytes in clusterIn
	requestSlots     chan struct{} // holds a token for each request to a store

	up            atomic.Bool
	clustered     atomic.Bool // Redis is a Redis Cluster; set when the link comes up
	sharded       atomic.Bool // the Redis Cluster has sharded publications; set when the link comes up
	writesBlocked atomic.Bool // Redis refuses writes for now
	publishLimit  batchLimit
	readLimit     batchLimit
	stats         counters
	peers         peers
	receipts      receiptTracker
	nextAckID     atomic.Uint64

	// Heartbeats. Times are in nanoseconds after start.
	lastEcho        atomic.Int64  // when this node last received a message of its own
	lastTick        atomic.Int64  // when runHeartbeat ran last
	resumedAt       atomic.Int64  // when runHeartbeat first ran after a pause of the process
	heartbeatsSent  atomic.Uint64 // number of the last heartbeat sent
	heartbeatEchoed atomic.Uint64 // number of the last heartbeat that came back
	heartbeatNeeded atomic.Uint64 // number of the heartbeat that has to come back before peers can be removed

	mu             sync.Mutex
	topics         map[string]*topic // by channel
	changed        []*topic          // topics whose subscription may have to change
	ready          []*topic          // topics with messages to send
	blocked        []*topic          // topics that wait until Redis accepts writes again
	retryScheduled bool              // a retry of blocked is scheduled
	unlocks        int               // locks of stores that are being released
	queuedBytes    int               // bytes queued in all topics
	stateSince     time.Time         // when the link went up or down
	linkError      error             // why the link is down
	notified       chan struct{}     // closed and replaced by notify
}

// New creates a Broker and starts to connect. It does not wait for the link; Wait does.
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

// newBroker creates a Broker without goroutines.
func newBroker(o Options) *Broker {
	o = o.WithDefaults()
	b := &Broker{
		opts: o, log: o.Log, incarnation: randomID(), start: time.Now(),
		linkFailures: make(chan error, 1), subscriptionWork: make(chan struct{}, 1), sendWork: make(chan struct{}, 1),
		clusterOut: make(chan outgoingClusterMessage, 4096), clusterIn: make(chan string, 4096),
		requestSlots: make(chan struct{}, maxRequests),
		topics:       map[string]*topic{}, notified: make(chan struct{}),
		stateSince: time.Now(), linkError: errConnecting,
	}
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.peers.init(b)
	b.receipts.waiting = map[uint64]*openReceipt{}
	return b
}

// Up reports whether the link is up.
func (b *Broker) Up() bool { return b.up.Load() }

// Wait waits until the link is up. It returns the cause when ctx is done first, or when the cause
// is an error that only other Options fix.
func (b *Broker) Wait(ctx context.Context) error {
	var lasting *configError
	b.waitUntil(ctx, func() bool { return b.up.Load() || errors.As(b.Stats().Cause, &lasting) })
	if b.up.Load() {
		return nil
	}
	return fmt.Errorf("broker: no link to Redis: %w", b.Stats().Cause)
}

// Close sends what is queued and releases locks of stores, as far as the link is up and ctx allows.
// It announces the leave to the other nodes, then ends the link.
func (b *Broker) Close(ctx context.Context) error {
	err := b.flush(ctx)
	b.announceLeave(ctx)
	b.mu.Lock()
	b.stop()
	b.mu.Unlock()
	b.wg.Wait()
	return err
}

// flush waits until all messages are sent and all locks are released, or the link is down.
func (b *Broker) flush(ctx context.Context) error {
	waiting := func() (queued, unlocks int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.queuedBytes, b.unlocks
	}
	if !b.waitUntil(ctx, func() bool { n, m := waiting(); return n+m == 0 || !b.up.Load() }) {
		if queued, _ := waiting(); queued > 0 {
			return fmt.Errorf("broker: %d bytes were not sent: %w", queued, ctx.Err())
		}
	}
	return nil
}

// waitUntil waits until cond holds, and evaluates it after each notify. It returns false when ctx is
// done first.
func (b *Broker) waitUntil(ctx context.Context, cond func() bool) bool {
	for {
		b.mu.Lock()
		notified := b.notified
		b.mu.Unlock()
		if cond() {
			return true
		}
		select {
		case <-notified:
		case <-ctx.Done():
			return false
		}
	}
}

// notify wakes the callers of waitUntil: the link has changed its state, or a queue is empty.
// mu is held.
func (b *Broker) notify() {
	close(b.notified)
	b.notified = make(chan struct{})
}

// releaseQueued subtracts n from the queued bytes; mu is held.
func (b *Broker) releaseQueued(n int) {
	if b.queuedBytes -= n; b.queuedBytes == 0 && n > 0 {
		b.notify()
	}
}

// spawn runs f on a goroutine that Close waits for. It returns false, and does not run f, after Close.
func (b *Broker) spawn(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return false
	}
	b.wg.Go(f)
	return true
}

// signal wakes the receiver of a channel of capacity 1. It does not wait.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// randomID returns 12 random hexadecimal digits.
func randomID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}
