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

// follower is a member of a room that speaks azuhost.v1 as docs/PROTOCOL.md
// says: when its connection ends it goes to the next node, and recovers.
type follower struct {
	t    *testing.T
	room string
	urls []string // where it connects, one after the other

	mu         sync.Mutex
	got        []string
	connects   int
	faults     []string          // what should not have come
	conn       string            // id of the connection that was told everything up to offset
	epoch      string            // of the room
	offset     uint64            // of the last message that was handled
	early      map[uint64]string // came before one with a lower offset; "": skipped
	recovering bool
	until      uint64 // recovering ends there; 0: not known yet
	again      int    // how many may come again: those of a recovery that came live, too
	cause      string // of the end of the last connection
}

// skipped stands for a message that is not for this connection, or was here before.
const skipped = "\x00"

// follow has a member follow a room from now on until the test ends.
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
			case <-time.After(20 * time.Millisecond): // a polite client waits longer
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	eventually(t, "it has joined", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.epoch != ""
	})
	return f
}

// session is one connection.
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
	var place *control // of the data that comes next
	for {
		_, b, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if len(b) == 0 || b[0] != 0x1e {
			f.data(place, string(b))
			place = nil
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
			if place = &m; m.Skip {
				f.take(m.Epoch, m.Offset, skipped)
				place = nil
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

// joined says what to ask for; mu is held.
func (f *follower) joined(m control, id string) (ask string) {
	if f.epoch == "" {
		f.epoch, f.offset, f.conn = m.Epoch, m.Offset, id
		return ""
	}
	if m.Epoch == f.epoch && m.Offset == f.offset && len(f.early) == 0 {
		return ""
	}
	f.recovering, f.until = true, 0
	return fmt.Sprintf(`{"type":"recover","id":1,"room":%q,"epoch":%q,"offset":%d,"conn":%q}`, f.room, f.epoch, f.offset, f.conn)
}

// recovered takes the answer; mu is held.
func (f *follower) recovered(m control) {
	if !m.Recovered {
		f.faults = append(f.faults, fmt.Sprintf("not recovered: %+v", m))
		return
	}
	f.until, f.again = m.Offset, m.Count
	f.recovering = f.offset < f.until
}

// data takes a message. Without a place it was delivered while there was no link.
func (f *follower) data(place *control, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if place == nil {
		f.got = append(f.got, text)
		return
	}
	f.take(place.Epoch, place.Offset, text)
}

// take handles what is at an offset, in order; mu is held.
func (f *follower) take(epoch string, offset uint64, text string) {
	switch {
	case epoch != f.epoch:
		f.faults = append(f.faults, "another epoch")
		return
	case offset <= f.offset:
		if f.again--; f.again < 0 && !f.recovering {
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

func (f *follower) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.got...)
}

// fine wants that nothing came twice, out of order or not at all, over so many connections.
func (f *follower) fine(connects int) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.faults) > 0 || f.connects != connects {
		f.t.Errorf("%s at %s: %d connections (the last ended with %s), want %d; faults: %.5q", f.room, f.urls[0], f.connects, f.cause, connects, f.faults)
	}
}

// listen is a plain member that keeps what it gets until its connection ends.
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

// writer sends to rooms over connections of its own, and has each message acknowledged by the plugin.
type writer struct {
	name string
	stop chan struct{}
	done chan struct{}
	sent int // acknowledged; to be read when done
}

// startWriter sends "NAME K" with K from 0 to rooms of some routes until it is stopped, or its connection ends.
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

// end stops writing and waits for it.
func (w *writer) end() {
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	<-w.done
}
