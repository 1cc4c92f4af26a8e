package dev

import (
	"strings"
	"testing"
)

// TestEventsSlowPage: a page that does not read blocks nobody. It receives the number of the events that it missed.
func TestEventsSlowPage(t *testing.T) {
	var e Events
	s, _ := e.subscribe()
	for range queuedEvents + 10 {
		e.Add(Event{Text: "x"})
	}
	for range queuedEvents {
		<-s.queue
	}
	e.Add(Event{Text: "y"})
	if ev := <-s.queue; !strings.HasPrefix(ev.Text, "10 lines were dropped") {
		t.Errorf("got %q", ev.Text)
	}
	if ev := <-s.queue; ev.Text != "y" {
		t.Errorf("got %q", ev.Text)
	}
	if len(e.kept) != keptEvents {
		t.Errorf("%d are kept", len(e.kept))
	}
	e.Close()
	if _, ok := <-s.queue; ok {
		t.Error("the queue is open after Close")
	}
}
