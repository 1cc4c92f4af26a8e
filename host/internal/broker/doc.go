// Package broker connects the nodes of a cluster through Redis. It delivers messages for rooms
// and users to their members on every node in one order, reports to each node who is present on the
// others, keeps message histories, and offers a store with locks. It handles Redis and bytes; it
// knows neither sockets nor plugins.
//
// # Topics
//
// Each room, user and route is a topic. A node subscribes to a topic while it has members of it.
// The keys of a topic share one slot of a Redis Cluster, which the part in braces selects:
//
//	PREFIX:{KIND|ROUTE|NAME}          channel that carries the messages
//	PREFIX:{KIND|ROUTE|NAME}:m        hash of the epoch and the last offset
//	PREFIX:{KIND|ROUTE|NAME}:s        stream with the history, if the topic has one
//	PREFIX:{KIND|ROUTE|NAME}:i:NODE   last sequence number accepted from a node
//	PREFIX:{c}, PREFIX:{c}:NODE       channels of cluster messages: to all nodes, to one node
//	PREFIX:{s|ROUTE}:v:KEY            value in the store of a route
//	PREFIX:{s|ROUTE}:l                lock of that store
//
// # Numbering
//
// publishScript numbers the messages of a batch, appends them to the history and publishes them
// in one step. Redis runs one script at a time, so all nodes receive a topic in one order. A
// Position is an epoch and an offset. Offsets of an epoch start at 1 and have no gaps. Another
// epoch begins when Redis has lost the numbers of a topic or stands behind a position that a node
// has seen; positions of two epochs cannot be compared.
//
// Each node also numbers the messages that it sends to a topic. The script rejects a batch whose
// numbers it has accepted before, so a batch whose answer was lost can be sent again. These
// numbers belong to one incarnation, which is one run of a node's process.
//
// # Link
//
// The link is up while the subscribing connection exists, all wanted topics are subscribed and the
// position of each is known. While the link is down, or Redis refuses writes, a node delivers
// messages to its own members at once. With a history the messages stay queued and are sent when
// the link is back; the node skips them when they arrive. Without a history they are counted as
// unsent.
//
// # Gaps
//
// After each subscription the link reads the position of the topic and compares it with the
// position of the members here. It reads the messages in between from the history and counts those
// that the history lacks. Batches that arrive meanwhile are held. A batch whose offset does not
// follow the last one starts the same procedure.
//
// # Peers and presence
//
// Nodes send each other cluster messages (JSON): heartbeats, changes of presence, requests for
// state, receipts and commands. Each node numbers its changes. A node that misses one requests the
// sender's whole state, part by part. A node that is silent for four fifths of the TTL is removed.
// The leader, which is the present node with the least name, then reports the users that only that
// node had.
//
// # Goroutines
//
// New starts runLink, runSender, runClusterSender, runClusterReceiver, runHeartbeat and one
// runWorker for each CPU. Requests to stores run on goroutines of their own. Close ends all of them
// and waits. Each subscribing connection has a goroutine that ends with the connection, for which
// runLink waits.
//
// # Locks
//
// Locks are taken in this order: topic.mu, the locks of the hub, Broker.mu, peers.mu. peers.sendMu
// comes before peers.mu. receiptTracker.mu is innermost. Options.Deliver, Advance and SetPosition
// are called with topic.mu held; Presence and Command are called without locks.
package broker
