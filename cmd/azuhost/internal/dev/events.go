package dev

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Event is a line of the log as the playground shows it.
type Event struct {
	Time   time.Time `json:"time"`
	Level  string    `json:"level"`            // debug, info, warn or error
	Plugin string    `json:"plugin,omitempty"` // empty: the host
	Text   string    `json:"text"`
}

const (
	keptEvents   = 200 // for pages that are opened later
	queuedEvents = 256 // for a page that reads slowly; later events are dropped
)

// Events sends events to the pages that are open. The zero value works. All methods may be called concurrently.
type Events struct {
	mu          sync.Mutex
	kept        []Event // the last keptEvents
	subscribers map[*subscriber]struct{}
	closed      bool
}

// subscriber is a page that is open. Events.mu guards its fields.
type subscriber struct {
	queue   chan Event
	dropped int // events since the last one in the queue
}

// Add sends an event to all pages. It does not block: a page whose queue is full misses the event.
func (e *Events) Add(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.kept) == keptEvents {
		e.kept = append(e.kept[:0], e.kept[1:]...)
	}
	e.kept = append(e.kept, ev)
	for s := range e.subscribers {
		s.add(ev)
	}
}

// add queues an event, after a warning about the events that were dropped before it.
func (s *subscriber) add(ev Event) {
	if s.dropped > 0 {
		text := fmt.Sprintf("%d lines were dropped: this page was too slow", s.dropped)
		select {
		case s.queue <- Event{ev.Time, "warn", "", text}:
			s.dropped = 0
		default:
		}
	}
	select {
	case s.queue <- ev:
	default:
		s.dropped++
	}
}

// Close ends all requests. Later requests are refused.
func (e *Events) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for s := range e.subscribers {
		close(s.queue)
	}
	e.subscribers = nil
}

// subscribe returns a new subscriber and the events that were kept. After Close it returns nil.
func (e *Events) subscribe() (s *subscriber, kept []Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil
	}
	s = &subscriber{queue: make(chan Event, queuedEvents)}
	if e.subscribers == nil {
		e.subscribers = map[*subscriber]struct{}{}
	}
	e.subscribers[s] = struct{}{}
	return s, append([]Event(nil), e.kept...)
}

func (e *Events) unsubscribe(s *subscriber) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.subscribers, s)
}

// ServeHTTP sends the kept events, and then each event as it comes, as server-sent events.
func (e *Events) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s, kept := e.subscribe()
	if s == nil {
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	defer e.unsubscribe(s)
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	send := func(ev Event) bool {
		data, err := json.Marshal(ev)
		if err == nil {
			_, err = fmt.Fprintf(w, "data: %s\n\n", data)
		}
		return err == nil && out.Flush() == nil
	}
	// A comment opens the stream at once: there may be no event yet.
	if _, err := fmt.Fprint(w, ": log of azuhost dev\n\n"); err != nil || out.Flush() != nil {
		return
	}
	for _, ev := range kept {
		if !send(ev) {
			return
		}
	}
	for {
		select {
		case ev, ok := <-s.queue:
			if !ok || !send(ev) {
				return
			}
		case <-req.Context().Done():
			return
		}
	}
}
