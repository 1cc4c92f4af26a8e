//go:build unix

package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/coder/websocket"
)

// follower is a member of a room that speaks azuhost.v1 as docs/PROTOCOL.md specifies. When its connection ends it
// connects to the next node and recovers.
type follower struct {
	t    *testing.T
	room string
	urls []string // where it connects, one after the other

	mu         sync.Mutex
	got        []string          // messages of the room, in order
	connects   int               // number of connections
	faults     []string          // violations of the protocol
	conn       string            // id of the connection that has received everything up to offset
	epoch      string            // of the room
	offset     uint64            // of the last message in got
	early      map[uint64]string // messages after a gap, by offset
	recovering bool
	until      uint64 // offset at which the recovery ends; 0: not known yet
	repeats    int    // messages of the recovery that may arrive a second time, as live ones
	cause      string // error that ended the last connection
}

// skipped stands for a message of the history that is not sent to this connection.
const skipped = "\x00"

// follow starts a follower of a room, which ends with the test. It returns when the follower has joined.
func follow(t *testing.T, room string, urls ...string) *follower {
	t.Helper()
	f := &follower{t: t, room: room, urls: urls, early: map[uint64]string{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			if err := f.session(ctx, urls[i%len(urls)]); err != nil && ctx.Err() == nil {
				f.mu.Lock()
				f.cause = err.Error()
				f.mu.Unlock()
			}
			select {
			case <-time.After(20 * time.Millisecond): // a client in production waits longer
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	eventually(t, "the follower has joined", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.epoch != ""
	})
	return f
}

// session connects and reads until the connection ends. It returns the error that ended it.
func (f *follower) session(ctx context.Context, url string) error {
	dialing, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	o := &websocket.DialOptions{Subprotocols: []string{host.Protocol}}
	c, _, err := websocket.Dial(dialing, url+"?do="+escape("join "+f.room), o)
	if err != nil {
		return err
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(1 << 20)
	f.mu.Lock()
	f.connects++
	f.mu.Unlock()
	var id string
	var position *control // of the next message
	for {
		_, b, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if len(b) == 0 || b[0] != 0x1e {
			f.data(position, string(b))
			position = nil
			continue
		}
		var m control
		if err := json.Unmarshal(b[1:], &m); err != nil {
			return err
		}
		f.mu.Lock()
		var ask string
		switch m.Type {
		case "welcome":
			id = m.Conn
		case "joined":
			ask = f.joined(m, id)
		case "position":
			if position = &m; m.Skip {
				f.take(m.Epoch, m.Offset, skipped)
				position = nil
			}
		case "recovered":
			f.recovered(m)
		default:
			f.faults = append(f.faults, string(b))
		}
		if !f.recovering {
			f.conn = id
		}
		f.mu.Unlock()
		if ask != "" {
			if err := c.Write(ctx, websocket.MessageText, []byte("\x1e"+ask)); err != nil {
				return err
			}
		}
	}
}

// joined handles the control message joined and returns the request to send, if any. mu is held.
func (f *follower) joined(m control, id string) (ask string) {
	if f.epoch == "" {
		f.epoch, f.offset, f.conn = m.Epoch, m.Offset, id
		return ""
	}
	if m.Epoch == f.epoch && m.Offset == f.offset && len(f.early) == 0 {
		return ""
	}
	f.recovering, f.until = true, 0
	return fmt.Sprintf(`{"type":"recover","id":1,"room":%q,"epoch":%q,"offset":%d,"conn":%q}`,
		f.room, f.epoch, f.offset, f.conn)
}

// recovered handles the control message recovered. mu is held.
func (f *follower) recovered(m control) {
	if !m.Recovered {
		f.faults = append(f.faults, fmt.Sprintf("not recovered: %+v", m))
		return
	}
	f.until, f.repeats = m.Offset, m.Count
	f.recovering = f.offset < f.until
}

// data handles a message. It has no position if it was delivered while the node had no link to Redis.
func (f *follower) data(position *control, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if position == nil {
		f.got = append(f.got, text)
		return
	}
	f.take(position.Epoch, position.Offset, text)
}

// take adds the message at an offset, and later ones that follow it without a gap, to got. mu is held.
func (f *follower) take(epoch string, offset uint64, text string) {
	switch {
	case epoch != f.epoch:
		f.faults = append(f.faults, "another epoch")
		return
	case offset <= f.offset:
		if f.repeats--; f.repeats < 0 && !f.recovering {
			f.faults = append(f.faults, fmt.Sprintf("%d twice", offset))
		}
		return
	case offset > f.offset+1 && !f.recovering:
		f.faults = append(f.faults, fmt.Sprintf("%d after %d", offset, f.offset))
	}
	f.early[offset] = text
	for {
		next, ok := f.early[f.offset+1]
		if !ok {
			break
		}
		f.offset++
		delete(f.early, f.offset)
		if next != skipped {
			f.got = append(f.got, next)
		}
	}
	if f.until > 0 && f.offset >= f.until {
		f.recovering = false
	}
}

// texts returns the messages that were received.
func (f *follower) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.got...)
}

// wantNoFaults expects that no message was received twice, out of order or unexpectedly, over a number of connections.
func (f *follower) wantNoFaults(connects int) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.faults) > 0 || f.connects != connects {
		f.t.Errorf("%s at %s: %d connections (the last ended with %s), want %d; faults: %.5q",
			f.room, f.urls[0], f.connects, f.cause, connects, f.faults)
	}
}

// listen connects a listener, which runs the commands do. It is closed at the end of the test.
func listen(t *testing.T, url, do string) *listener {
	t.Helper()
	l := &listener{}
	c := dialDo(t, url, do)
	c.SetReadLimit(1 << 20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			_, b, err := c.Read(context.Background()) // ends when the connection does
			l.mu.Lock()
			if err != nil {
				l.err = err
				l.mu.Unlock()
				return
			}
			l.got = append(l.got, string(b))
			l.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = c.CloseNow()
		<-done
	})
	return l
}

// listener is a member that does not speak azuhost.v1. It keeps the messages and the error that ends the connection.
type listener struct {
	mu  sync.Mutex
	got []string
	err error
}

func (l *listener) texts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.got...)
}

func (l *listener) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// writer sends to rooms over its own connections. The plugin acknowledges each message.
type writer struct {
	name string
	stop chan struct{}
	done chan struct{}
	sent int // number of acknowledged messages; to be read when done is closed
}

// startWriter sends "NAME N", with N from 0, to a room of several routes until it is stopped or its connection ends.
func startWriter(t *testing.T, name string, every time.Duration, room string, urls ...string) *writer {
	t.Helper()
	w := &writer{name: name, stop: make(chan struct{}), done: make(chan struct{})}
	var conns []*websocket.Conn
	for _, url := range urls {
		conns = append(conns, dial(t, url))
	}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
			}
			text := fmt.Sprintf("broadcast %s|%s %d;send ok", room, name, w.sent)
			for _, c := range conns {
				if err := c.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
					return
				}
			}
			for _, c := range conns {
				if _, _, err := c.Read(context.Background()); err != nil {
					return
				}
			}
			w.sent++
		}
	}()
	t.Cleanup(w.end)
	return w
}

// end stops the writer and waits until it has ended.
func (w *writer) end() {
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	<-w.done
}
