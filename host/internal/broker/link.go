package broker

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Waits between attempts to connect: a random time below a bound that doubles.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
)

// Causes of a link that is down.
var (
	errConnecting = errors.New("not connected yet")
	errClosed     = errors.New("the broker is closed")
)

// runLink connects to Redis and connects again whenever the link breaks, until the Broker closes.
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

// failLink reports an error that breaks the link to runLink. It does not wait.
func (b *Broker) failLink(err error) {
	select {
	case b.linkFailures <- err:
	default:
	}
}

// connectAndServe brings the link up and serves it until it breaks.
func (b *Broker) connectAndServe() (err error) {
	select {
	case <-b.linkFailures: // an error of the previous link
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
	for _, tp := range b.topics {
		b.markChanged(tp)
	}
	b.mu.Unlock()
	if err := b.subscribeChanged(s); err != nil {
		return err
	}
	b.linkUp()
	return b.serveLink(s)
}

// linkUp marks the link as up and starts to send what is queued.
func (b *Broker) linkUp() {
	again := b.stats.links.Add(1) > 1
	b.mu.Lock()
	outage := time.Since(b.stateSince)
	b.stateSince, b.linkError = time.Now(), nil
	b.up.Store(true)
	b.notify()
	for _, tp := range b.topics {
		b.makeReady(tp)
	}
	b.mu.Unlock()
	if again {
		b.log.Warn("redis link restored", "after", outage.Round(time.Millisecond),
			"missed", b.stats.missed.Load(), "unsent", b.stats.unsent.Load())
	} else {
		b.log.Info("redis link established", "node", b.opts.Node)
	}
	b.peers.sendHello()
}

// serveLink keeps the subscriptions up to date until the link breaks.
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

// linkDown marks the link as down. Members here get the queued messages at once.
func (b *Broker) linkDown(cause error) {
	wasUp := b.up.Swap(false)
	b.mu.Lock()
	before := b.linkError
	b.linkError = cause
	if wasUp {
		b.stateSince = time.Now()
	}
	b.notify()
	var all []*topic
	for _, tp := range b.topics {
		all = append(all, tp)
		tp.subscribed, tp.inChanged, tp.inReady = false, false, false // connectAndServe marks all topics as changed
	}
	b.changed, b.ready = nil, nil
	b.mu.Unlock()
	switch {
	case cause == errClosed:
	case wasUp:
		b.log.Error("redis link lost", "err", cause)
	default:
		b.logLinkError(before, cause)
	}
	for _, tp := range all {
		b.deliverQueued(tp)
		b.removeUnused(tp)
	}
}

// logLinkError logs why the link does not come up: after the first attempt, and whenever the cause
// is another configuration error.
func (b *Broker) logLinkError(before, cause error) {
	var lasting *configError
	if before == errConnecting || errors.As(cause, &lasting) && before.Error() != cause.Error() {
		b.log.Error("redis link failed", "err", cause)
	}
}
