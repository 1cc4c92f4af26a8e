package host

import (
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/prometheus/client_golang/prometheus"
)

// brokerMetrics are read when they are scraped. A host that is alone has none.
type brokerMetrics struct {
	connected, nodes, topics, queue                          *prometheus.Desc
	links, published, received, unsent, missed, lost, resets *prometheus.Desc
}

func newBrokerMetrics() *brokerMetrics {
	return &brokerMetrics{
		connected: desc("azuhost_broker_connected", "1 while there is a link to Redis."),
		nodes:     desc("azuhost_broker_nodes", "Nodes of the cluster that this one knows of, itself included."),
		topics:    desc("azuhost_broker_topics", "Rooms, users and routes that are subscribed, or have something to send."),
		queue:     desc("azuhost_broker_queue_bytes", "Bytes that wait to be sent to Redis."),
		links:     desc("azuhost_broker_links_total", "Times that a link to Redis came up."),
		published: desc("azuhost_broker_published_messages_total", "Messages that Redis took from this node."),
		received:  desc("azuhost_broker_received_messages_total", "Messages that came from Redis, this node's own included."),
		unsent:    desc("azuhost_broker_unsent_messages_total", "Messages that reached the members on this node alone, since there was no link, or Redis took none, and no history keeps them for later."),
		missed:    desc("azuhost_broker_missed_messages_total", "Messages of other nodes that this one could not hear, and no history had."),
		lost:      desc("azuhost_broker_overflow_messages_total", "Messages that were given up, since too many waited for Redis, or for what it says; what nodes tell each other included."),
		resets:    desc("azuhost_broker_resets_total", "Rooms and users whose numbers Redis had forgotten: what was missed of them is not known."),
	}
}

func (m *brokerMetrics) all() []*prometheus.Desc {
	return []*prometheus.Desc{m.connected, m.nodes, m.topics, m.queue, m.links, m.published, m.received, m.unsent, m.missed, m.lost, m.resets}
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
	count(m.lost, s.Overflow)
	count(m.resets, s.Resets)
}
