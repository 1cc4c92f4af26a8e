package broker

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Waits between attempts to connect: full jitter up to a bound that doubles.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
)

// subscribeAtOnce is how many topics one command subscribes.
const maxSubscribeTopics = 500

// link keeps the one connection that subscribes, and with it the state: the
// link is up when it is there, all topics are subscribed, and it is known what
// was missed.
func (b *Broker) runLink() {
	backoff := firstBackoff
	for b.ctx.Err() == nil {
		start := time.Now()
		err := explainError(b.connectAndServe())
		if b.ctx.Err() != nil {
			break
		}
		if b.linkDown(err); time.Since(start) > maxBackoff {
			backoff = firstBackoff
		}
		select {
		case <-time.After(rand.N(backoff)):
		case <-b.ctx.Done():
		}
		backoff = min(2*backoff, maxBackoff)
	}
	b.linkDown(errClosed)
	if b.client != nil {
		b.client.Close()
	}
}

// fail says that the link is broken.
func (b *Broker) failLink(err error) {
	select {
	case b.linkFailures <- err:
	default:
	}
}

// Causes of there being no link.
var (
	errConnecting = errors.New("not connected yet")
	errClosed     = errors.New("the broker is closed")
)

// down has members get what is sent without Redis.
func (b *Broker) linkDown(cause error) {
	was := b.up.Swap(false)
	b.mu.Lock()
	before := b.linkError
	b.linkError = cause
	if was {
		b.stateSince = time.Now()
	}
	b.notify()
	var all []*topic
	for _, x := range b.topics {
		all = append(all, x)
		x.subscribed, x.inChanged, x.inReady = false, false, false // the next link looks at all
	}
	b.changed, b.ready = nil, nil
	b.mu.Unlock()
	if was && cause != errClosed {
		b.log.Error("broker: the link to Redis is broken; each node goes on with its own members", "err", cause)
	}
	if !was && cause != errClosed {
		b.logLinkError(before, cause)
	}
	for _, x := range all {
		b.deliverQueued(x)
		b.removeUnused(x)
	}
}

// complain says why there is no link: the first time, and when it is something
// that somebody has to do.
func (b *Broker) logLinkError(before, cause error) {
	var lasting *configError
	if before == errConnecting || errors.As(cause, &lasting) && before.Error() != cause.Error() {
		b.log.Error("broker: no link to Redis; it is tried again and again", "err", cause)
	}
}

// connect brings the link up and serves it until it breaks.
func (b *Broker) connectAndServe() (err error) {
	select {
	case <-b.linkFailures: // of the link before
	default:
	}
	if b.client == nil {
		if err := b.dial(); err != nil {
			return err
		}
	}
	s, err := b.openSubscriber()
	if err != nil {
		return err
	}
	defer s.close()
	b.mu.Lock()
	for _, x := range b.topics {
		b.markChanged(x)
	}
	b.mu.Unlock()
	if err := b.subscribeChanged(s); err != nil {
		return err
	}
	b.linkUp()
	return b.serveLink(s)
}

// begin says that the link is up, and has what waited sent.
func (b *Broker) linkUp() {
	b.stats.links.Add(1)
	b.mu.Lock()
	gap := time.Since(b.stateSince)
	again := b.ups > 0
	b.ups++
	b.stateSince, b.linkError = time.Now(), nil
	b.up.Store(true)
	b.notify()
	for _, x := range b.topics {
		b.makeReady(x)
	}
	b.mu.Unlock()
	if again {
		b.log.Warn("broker: the link to Redis is back", "after", gap.Round(time.Millisecond), "missed", b.stats.missed.Load(), "unsent", b.stats.unsent.Load())
	} else {
		b.log.Info("broker: linked", "node", b.opts.Node)
	}
	b.peers.sendHello()
}

// serve follows what is wanted until the link breaks.
func (b *Broker) serveLink(s *subscriber) error {
	for {
		select {
		case <-b.ctx.Done():
			return b.ctx.Err()
		case err := <-b.linkFailures:
			return err
		case <-b.subscriptionWork:
			if err := b.subscribeChanged(s); err != nil {
				return err
			}
		}
	}
}

// subscribeChanged makes the subscriptions what they should be, and finds out
// where the new ones stand.
func (b *Broker) subscribeChanged(s *subscriber) error {
	for {
		add, drop := b.takeChanged()
		if len(add)+len(drop) == 0 {
			return nil
		}
		for len(drop) > 0 {
			n := min(len(drop), maxSubscribeTopics)
			if err := s.change(false, drop[:n]); err != nil {
				return err
			}
			for _, x := range drop[:n] {
				b.removeUnused(x)
			}
			drop = drop[n:]
		}
		for len(add) > 0 {
			n := min(len(add), maxSubscribeTopics)
			if err := s.change(true, add[:n]); err != nil {
				return err
			}
			if err := b.resync(add[:n]); err != nil {
				return err
			}
			add = add[n:]
		}
	}
}

// takeChanged sorts the topics whose subscription is not what it should be.
// Those to be added hold what comes from now on.
func (b *Broker) takeChanged() (add, drop []*topic) {
	b.mu.Lock()
	changed := b.changed
	b.changed = nil
	var fresh []*topic
	for _, x := range changed {
		switch {
		case x.subscriptions == 0:
			x.subscribed = false
			drop = append(drop, x)
		case !x.subscribed:
			add = append(add, x)
		case x.newSubscriber:
			fresh = append(fresh, x)
		}
		x.inChanged, x.newSubscriber = false, false
	}
	b.mu.Unlock()
	for _, x := range fresh {
		b.announcePosition(x)
	}
	for _, x := range add {
		x.mu.Lock()
		x.syncing = true
		b.mu.Lock()
		x.Size, x.TTL = x.requested.Size, x.requested.TTL
		b.mu.Unlock()
		x.mu.Unlock()
	}
	for _, x := range drop {
		x.mu.Lock()
		x.positioned, x.syncing, x.held, x.heldBytes, x.heldOverflow = false, false, nil, 0, false
		b.trimQueue(x)
		x.mu.Unlock()
	}
	return add, drop
}

// placeAgain tells the members of a topic that is subscribed where it stands: it
// was left and joined anew between two looks of the link.
func (b *Broker) announcePosition(x *topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.positioned && !x.syncing && x.position.Epoch != "" {
		b.opts.SetPosition(x.Topic, x.position)
	}
}
