package dev

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Event is something that happened, as the playground shows it.
type Event struct {
	Time   time.Time `json:"time"`
	Level  string    `json:"level"`            // debug, info, warn or error
	Plugin string    `json:"plugin,omitempty"` // empty: the host
	Text   string    `json:"text"`
}

const (
	keptEvents    = 200 // shown to a page that is opened later
	waitingEvents = 256 // for a page that is slow; more are dropped, and it is told
)

// Events hands events to the pages that are open. The zero value works. All
// methods may be called concurrently.
type Events struct {
	mu      sync.Mutex
	kept    []Event
	readers map[*reader]struct{}
	closed  bool
}

type reader struct {
	next    chan Event
	dropped int
}

// Add hands out an event. It never blocks.
func (e *Events) Add(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.kept) == keptEvents {
		e.kept = append(e.kept[:0], e.kept[1:]...)
	}
	e.kept = append(e.kept, ev)
	for r := range e.readers {
		if r.dropped > 0 {
			select {
			case r.next <- Event{ev.Time, "warn", "", fmt.Sprintf("%d lines were dropped: this page was too slow", r.dropped)}:
				r.dropped = 0
			default:
			}
		}
		select {
		case r.next <- ev:
		default:
			r.dropped++
		}
	}
}

// Close ends all requests, and those to come.
func (e *Events) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for r := range e.readers {
		close(r.next)
	}
	e.readers = nil
}

func (e *Events) enter() (r *reader, kept []Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil
	}
	r = &reader{next: make(chan Event, waitingEvents)}
	if e.readers == nil {
		e.readers = map[*reader]struct{}{}
	}
	e.readers[r] = struct{}{}
	return r, append([]Event(nil), e.kept...)
}

func (e *Events) leave(r *reader) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.readers, r)
}

// ServeHTTP sends events as they come (server-sent events), those that are
// kept first.
func (e *Events) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r, kept := e.enter()
	if r == nil {
		http.Error(w, "the server is going away", http.StatusServiceUnavailable)
		return
	}
	defer e.leave(r)
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	send := func(ev Event) bool {
		data, err := json.Marshal(ev)
		if err == nil {
			_, err = fmt.Fprintf(w, "data: %s\n\n", data)
		}
		return err == nil && out.Flush() == nil
	}
	if _, err := fmt.Fprint(w, ": here are the log and the builds\n\n"); err != nil || out.Flush() != nil {
		return
	}
	for _, ev := range kept {
		if !send(ev) {
			return
		}
	}
	for {
		select {
		case ev, ok := <-r.next:
			if !ok || !send(ev) {
				return
			}
		case <-req.Context().Done():
			return
		}
	}
}
