package hub

import "testing"

func TestBroadcastExcept(t *testing.T) {
	h := New(Options{})
	a, sa := add(h, nil, "r")
	b, sb := add(h, nil, "r")
	_, sc := add(h, nil, "r")
	_, other := add(h, nil, "other")
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("1"), a.ID)
	outbox.Broadcast([]byte("r"), text("2"), 0)
	outbox.Broadcast([]byte("r"), text("3"), b.ID)
	outbox.Broadcast([]byte("r"), text("4"), a.ID)
	outbox.Broadcast([]byte("empty"), text("5"), 0)
	outbox.Flush()
	wantTexts(t, "a", sa, "2", "3")
	wantTexts(t, "b", sb, "1", "2", "4")
	wantTexts(t, "c", sc, "1", "2", "3", "4")
	outbox.BroadcastAll(text("6"), b.ID)
	outbox.Flush()
	wantTexts(t, "a", sa, "2", "3", "6")
	wantTexts(t, "b", sb, "1", "2", "4")
	wantTexts(t, "a member of another room", other, "6")
}

// A message to one member calls the sink of no other member.
func TestSendCallsOnlyItsMember(t *testing.T) {
	h := New(Options{})
	_, first := add(h, newHeldSink(), "r")
	m, s := add(h, nil, "r")
	_, other := add(h, nil, "r")
	a, b := Outbox{Hub: h}, Outbox{Hub: h}
	a.Broadcast([]byte("r"), text("all"), 0)
	done := make(chan struct{})
	go func() { defer close(done); a.Flush() }()
	<-first.entered
	b.Send(m, text("one"))
	b.Flush()
	first.release()
	<-done
	wantTexts(t, "the member", s, "all", "one")
	if n := other.calls(); n != 1 {
		t.Errorf("the sink of another member was called %d times, want once, for the broadcast", n)
	}
}

func TestSendUser(t *testing.T) {
	h := New(Options{})
	a, sa := add(h, nil)
	b, sb := add(h, nil)
	c, sc := add(h, nil)
	for _, m := range []*Member{a, b} {
		h.Identify(m, "ann")
	}
	h.Identify(c, "bob")
	outbox := Outbox{Hub: h}
	outbox.SendUser([]byte("ann"), text("1"))
	h.Identify(b, "bob")
	outbox.SendUser([]byte("ann"), text("2"))
	outbox.SendUser([]byte("bob"), text("3"))
	outbox.SendUser([]byte("nobody"), text("4"))
	h.Remove(a)
	outbox.SendUser([]byte("ann"), text("5"))
	outbox.Flush()
	wantTexts(t, "a", sa, "1", "2")
	wantTexts(t, "b", sb, "1", "3")
	wantTexts(t, "c", sc, "3")
	if n := len(h.users); n != 1 {
		t.Errorf("%d users are known, want 1", n)
	}
}

func TestReports(t *testing.T) {
	var frames, bytes, flushes int
	h := New(Options{
		Sent:    func(f, b int) { frames += f; bytes += b },
		Flushed: func(f Flush) { flushes += f.Members * f.Frames },
	})
	a, sa := add(h, nil, "r", "q")
	_, sb := add(h, nil, "r")
	outbox := Outbox{Hub: h}
	outbox.Send(a, text("alone"))
	outbox.Broadcast([]byte("r"), text("1"), 0)
	outbox.Broadcast([]byte("r"), text("2"), a.ID)
	outbox.Send(a, text("behind one"))
	outbox.Broadcast([]byte("q"), text("3"), 0)
	outbox.Send(a, text("behind two"))
	outbox.Flush()
	if want := len(sa.texts(t)) + len(sb.texts(t)); frames != want || want != 7 {
		t.Errorf("%d frames reported, %d delivered, want 7", frames, want)
	}
	if want := len(sa.got) + len(sb.got); bytes != want {
		t.Errorf("%d bytes reported, %d delivered", bytes, want)
	}
	if flushes != 2*2+1 {
		t.Errorf("Flushed reports %d frames × members, want 5", flushes)
	}
}
