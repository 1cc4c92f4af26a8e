package broker

// maxSubscribeTopics limits the topics that one command subscribes.
const maxSubscribeTopics = 500

// Subscribe starts the delivery of a topic's messages to this node. It may be called with locks of
// the hub held, and does not wait. Messages that this node publishes afterwards are sent once Redis
// has confirmed the subscription. Subscriptions are counted.
func (b *Broker) Subscribe(t Topic) { b.addSubscriptions(t, 1) }

// Unsubscribe reverts one call of Subscribe.
func (b *Broker) Unsubscribe(t Topic) { b.addSubscriptions(t, -1) }

func (b *Broker) addSubscriptions(t Topic, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tp := b.ensureTopic(t)
	tp.subscriptions += n
	tp.newSubscriber = tp.newSubscriber || n > 0
	if n > 0 && tp.requested != t {
		// A route was replaced by one with another history: its members need the position in that.
		tp.requested, tp.subscribed = t, false
	}
	b.markChanged(tp)
}

// SubscriptionPending reports whether members of a topic do not get messages of other nodes yet:
// between Subscribe and the confirmation of Redis, while the link is up.
func (b *Broker) SubscriptionPending(t Topic) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	tp := b.topics[b.channelOf(t)]
	return tp != nil && tp.subscriptions > 0 && !tp.subscribed && b.up.Load()
}

// markChanged makes runLink compare the wanted subscription of a topic with the one it has; mu is
// held.
func (b *Broker) markChanged(tp *topic) {
	if !tp.inChanged {
		tp.inChanged = true
		b.changed = append(b.changed, tp)
		signal(b.subscriptionWork)
	}
}

// awaitsSubscription reports whether a topic has members here and is not subscribed yet.
func (b *Broker) awaitsSubscription(tp *topic) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return tp.subscriptions > 0 && !tp.subscribed
}

// subscribeChanged subscribes and unsubscribes until no topic has changed, and resyncs the topics
// that it subscribed.
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
			for _, tp := range drop[:n] {
				b.removeUnused(tp)
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

// takeChanged returns the topics to subscribe and to unsubscribe. Batches of the topics in add are
// held from now on.
func (b *Broker) takeChanged() (add, drop []*topic) {
	b.mu.Lock()
	changed := b.changed
	b.changed = nil
	var rejoined []*topic
	for _, tp := range changed {
		switch {
		case tp.subscriptions == 0:
			tp.subscribed = false
			drop = append(drop, tp)
		case !tp.subscribed:
			add = append(add, tp)
		case tp.newSubscriber:
			rejoined = append(rejoined, tp)
		}
		tp.inChanged, tp.newSubscriber = false, false
	}
	b.mu.Unlock()
	for _, tp := range rejoined {
		b.announcePosition(tp)
	}
	for _, tp := range add {
		tp.mu.Lock()
		tp.syncing = true
		b.mu.Lock()
		tp.Size, tp.TTL = tp.requested.Size, tp.requested.TTL
		b.mu.Unlock()
		tp.mu.Unlock()
	}
	for _, tp := range drop {
		tp.mu.Lock()
		tp.positioned, tp.syncing, tp.held, tp.heldBytes, tp.heldOverflow = false, false, nil, 0, false
		b.trimQueue(tp)
		tp.mu.Unlock()
	}
	return add, drop
}

// announcePosition gives the members of a subscribed topic its position. The topic lost its last
// subscription and gained another one before runLink saw either.
func (b *Broker) announcePosition(tp *topic) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if tp.positioned && !tp.syncing && tp.position.Epoch != "" {
		b.opts.SetPosition(tp.Topic, tp.position)
	}
}
