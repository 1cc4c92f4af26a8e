package broker

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"time"
)

// Options configure a Broker. URL, Node and all functions are required.
type Options struct {
	// URL is the address of Redis: redis://user:password@host:6379/0, rediss:// for TLS, with
	// ?addr=host:port for more nodes of a Redis Cluster, or ?master_set=name for sentinels.
	URL string
	// Node is the name of this node. It must be unique in the cluster.
	Node string
	// TLS has the trusted authorities for a rediss:// URL. nil: those of the system.
	TLS *tls.Config
	// Prefix begins the names of all keys and channels. Empty: "azuhost". Clusters that share a
	// Redis need different prefixes.
	Prefix string
	// Timeout limits the time that Redis may take to answer before the link counts as broken. 0: 1 s.
	Timeout time.Duration
	// TTL is how long a silent node counts as present. 0: 10 s.
	TTL time.Duration
	// MaxQueue limits the messages that wait for Redis, in bytes. 0: 16 MiB.
	MaxQueue   int
	noSharding bool // tests: use classic publications in a Redis Cluster

	// Log receives the log lines of the Broker. nil: they are discarded.
	Log *slog.Logger

	// Deliver gives messages of a topic to its members on this node, in order, and returns the
	// number of sockets that the last of them reached. first is the position of the first message;
	// it is zero for a message that bypasses Redis. Deliver must not block. Of the methods of the
	// Broker it may call only Subscribe and Unsubscribe.
	Deliver func(t Topic, first Position, messages []Message) (sockets int)
	// Advance moves the position of a topic over a message that its members already have.
	Advance func(t Topic, at Position)
	// SetPosition sets the position of a topic.
	SetPosition func(t Topic, at Position)
	// Presence reports a user who came to a room on the other nodes, or left the last of them.
	// leader says that this node has to report the leave to its plugin. Two events of one user may
	// arrive in another order than they happened; Online gives the current state.
	Presence func(c Change, leader bool)
	// Command carries out a command of another node and returns the number of sockets affected.
	Command func(c Command) int
}

// Validate checks URL and TLS without connecting.
func (o Options) Validate() error {
	_, err := clientOptions(o)
	return err
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
