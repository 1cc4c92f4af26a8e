package broker

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics describe a broker to Prometheus.
type Metrics struct {
	connected, nodes, topics, queue                              *prometheus.Desc
	links, published, received, unsent, missed, overflow, resets *prometheus.Desc
}

// NewMetrics returns the metrics of a broker.
func NewMetrics() *Metrics {
	return &Metrics{
		connected: describe("azuhost_broker_connected",
			"1 while the link to Redis is up."),
		nodes: describe("azuhost_broker_nodes",
			"Nodes of the cluster that this one knows, itself included."),
		topics: describe("azuhost_broker_topics",
			"Rooms, users and routes that are subscribed or have messages to send."),
		queue: describe("azuhost_broker_queue_bytes",
			"Bytes of messages that wait for Redis."),
		links: describe("azuhost_broker_links_total",
			"Times that the link to Redis came up."),
		published: describe("azuhost_broker_published_messages_total",
			"Messages of this node that Redis accepted."),
		received: describe("azuhost_broker_received_messages_total",
			"Messages received from Redis, this node's own included."),
		unsent: describe("azuhost_broker_unsent_messages_total",
			"Messages that reached only members on this node, because the link was down or Redis refused them, "+
				"and that no history keeps for later."),
		missed: describe("azuhost_broker_missed_messages_total",
			"Messages of other nodes that were published while this one was not subscribed, and that no history had."),
		overflow: describe("azuhost_broker_overflow_messages_total",
			"Messages that were dropped because a queue to or from Redis was full, messages between nodes included."),
		resets: describe("azuhost_broker_resets_total",
			"Rooms and users whose numbers Redis had lost; the number of messages missed there is not known."),
	}
}

// All lists the descriptions.
func (m *Metrics) All() []*prometheus.Desc {
	return []*prometheus.Desc{
		m.connected, m.nodes, m.topics, m.queue,
		m.links, m.published, m.received, m.unsent, m.missed, m.overflow, m.resets,
	}
}

// Collect sends the metrics of b. A nil broker has none.
func (m *Metrics) Collect(out chan<- prometheus.Metric, b *Broker) {
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

func describe(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
