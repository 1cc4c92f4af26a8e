// Package socket is one WebSocket connection: the handshake, reading, what
// leaves and the close. The library (coder/websocket) does the handshake,
// parsing, control frames and the closing handshake on a net.Conn of ours;
// data frames the host encodes itself and writes whole.
//
//	check.go     is this request a handshake?
//	upgrade.go   the library gets our net.Conn
//	read.go      bytes come in, messages go to the Handler
//	scan.go      what a client may not send
//	plain.go     whole messages are handled where they lie
//	fair.go      readers that never run dry wait for the others
//	egress.go    bytes leave, or wait in queue.go
//	close.go     the end, whoever wants it
//	group.go     all connections, their deadlines and their goroutines
package socket
