// Package socket serves WebSocket connections: handshake, input, output and
// close.
//
// The library coder/websocket does the handshake, control frames, fragmented
// messages and the closing handshake, on a net.Conn of this package. The package
// itself checks all input before the library sees it, decodes whole messages in
// place, and writes data frames that the caller has encoded.
//
//	handshake.go  checks a request for a WebSocket
//	upgrade.go    answers the handshake and gives the library its net.Conn
//	conn.go       Conn and Handler
//	library.go    the net.Conn that the library reads and writes
//	read.go       the reader of a connection and its read cycles
//	scan.go       the rules for input
//	inplace.go    decodes whole messages in the read buffer
//	yield.go      lets other readers run
//	rate.go       limits the rate of messages
//	egress.go     writes frames or queues them
//	flush.go      writes the queue when the socket takes no more
//	queue.go      the queue of frames
//	close.go      every way in which a connection ends
//	group.go      all connections
//	deadline.go   deadlines and pings
//	count.go      counters of dropped frames and broken rules
//	fd_*.go       non-blocking system calls
//
// # Goroutines
//
// A connection has one goroutine, its reader, which also calls the Handler. A
// second one, the flusher, exists only while the socket takes no more and
// frames wait. A group has one goroutine for deadlines, and one for readers that
// yield.
//
// # Read cycle
//
// A read cycle is the time during which the reader handles the input of one
// read. Output is corked meanwhile: up to corkLimit bytes are held back, so that
// the answers to many messages go out in one write. The cycle ends with
// Handler.OnDrained and the uncorking, before the reader waits for more input.
package socket
