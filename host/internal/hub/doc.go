// Package hub holds the rooms, users, connections and presence of one channel
// on one node, and delivers frames to them. It knows neither sockets nor
// plugins: a connection is a Member with a Sink.
//
//	hub.go         Hub: members, rooms and users
//	member.go      Member and its memberships
//	room.go        Room: its memberships and its batch
//	delivery.go    the delivery of a room's batches
//	batch.go       frames that wait in a room
//	outbox.go      Outbox: what one goroutine sends
//	barrier.go     a frame that waits for several rooms
//	history.go     the histories of all rooms
//	room_log.go    the history of one room
//	presence.go    users in rooms, and the grace after their last connection
//	query.go       lists and counts
//	topic.go       rooms and users that appear and disappear
//	journal.go     changes for the other nodes
//
// # Order
//
// All members of a room receive its frames in one order, the order in which
// Outbox.Broadcast added them. A member receives the frames that one goroutine
// sends to it, directly or by rooms, in the order in which they were sent. To
// that end a frame for one member (Outbox.Send) goes into the batch of the
// member's room while that room has undelivered frames, and behind a barrier
// while several of them have.
//
// # Delivery
//
// Broadcast appends to the batch of the room. Outbox.Flush delivers the batch
// of each room that the outbox has used, so that every member gets one call of
// its Sink for many frames.
//
// One goroutine at a time delivers a room. Another one that flushes the room
// meanwhile leaves its frames in the next batch and returns; the deliverer
// takes that batch next. This moves work to the deliverer. Two rules bound it:
//
//   - A goroutine that flushes a batch of flushAt bytes or more waits until
//     the deliverer stops, and then delivers itself.
//   - After maxRounds batches the deliverer stops as soon as another goroutine
//     waits.
//
// No lock is held while a batch is delivered. Frames for a single member, such
// as joined messages, are delivered with locks held: a Sink must not block.
//
// # Locks
//
// Locks are taken in the order Hub.mu, Room.mu, history.mu, roomLog.mu.
package hub
