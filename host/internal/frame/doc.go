// Package frame encodes WebSocket frames, and the control messages of the
// subprotocol azuhost.v1 that the host sends.
//
//	frame.go       framing (RFC 6455, section 5.2)
//	close_code.go  codes that a connection may be closed with
//	v1.go          messages of azuhost.v1 (docs/PROTOCOL.md)
package frame
