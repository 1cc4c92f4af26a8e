package host

import (
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/prometheus/client_golang/prometheus"
)

// brokerMetrics are the metrics of the broker, read when they are scraped. A host without a broker has
// none.
type brokerMetrics struct {
	connected, nodes, topics, queue                              *prometheus.Desc
	links, published, received, unsent, missed, overflow, resets *prometheus.Desc
}

func newBrokerMetrics() *brokerMetrics {
	return &brokerMetrics{
		connected: desc("azuhost_broker_connected",
			"1 while the link to Redis is up."),
		nodes: desc("azuhost_broker_nodes",
			"Nodes of the cluster that this one knows, itself included."),
		topics: desc("azuhost_broker_topics",
			"Rooms, users and routes that are subscribed or have messages to send."),
		queue: desc("azuhost_broker_queue_bytes",
			"Bytes of messages that wait for Redis."),
		links: desc("azuhost_broker_links_total",
			"Times that the link to Redis came up."),
		published: desc("azuhost_broker_published_messages_total",
			"Messages of this node that Redis accepted."),
		received: desc("azuhost_broker_received_messages_total",
			"Messages received from Redis, this node's own included."),
		unsent: desc("azuhost_broker_unsent_messages_total",
			"Messages that reached only members on this node, because the link was down or Redis refused them, "+
				"and that no history keeps for later."),
		missed: desc("azuhost_broker_missed_messages_total",
			"Messages of other nodes that were published while this one was not subscribed, and that no history had."),
		overflow: desc("azuhost_broker_overflow_messages_total",
			"Messages that were dropped because a queue to or from Redis was full, messages between nodes included."),
		resets: desc("azuhost_broker_resets_total",
			"Rooms and users whose numbers Redis had lost; the number of messages missed there is not known."),
	}
}

func (m *brokerMetrics) all() []*prometheus.Desc {
	return []*prometheus.Desc{
		m.connected, m.nodes, m.topics, m.queue,
		m.links, m.published, m.received, m.unsent, m.missed, m.overflow, m.resets,
	}
}

func (m *brokerMetrics) collect(out chan<- prometheus.Metric, b *broker.Broker) {
	if b == nil {
		return
	}
	s := b.Stats()
	gauge := func(d *prometheus.Desc, v int) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	count := func(d *prometheus.Desc, n uint64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
	up := 0
	if s.Connected {
		up = 1
	}
	gauge(m.connected, up)
	gauge(m.nodes, s.Nodes)
	gauge(m.topics, s.Topics)
	gauge(m.queue, s.QueuedBytes)
	count(m.links, s.Links)
	count(m.published, s.Published)
	count(m.received, s.Received)
	count(m.unsent, s.Unsent)
	count(m.missed, s.Missed)
	count(m.overflow, s.Overflow)
	count(m.resets, s.Resets)
}
