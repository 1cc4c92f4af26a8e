package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/internal/race"
)

// TestPublishCost compares the CPU time of the host for publications through the API to a room of 1,000 connections
// with that of the same broadcasts by a plugin. Both are measured alternately on one process. The round with the least
// CPU time counts. The API may take at most 1.3 times as much with AZUHOST_STRICT=1 (make hostile), and 2 times
// otherwise, because results on a busy machine differ by 20%.
func TestPublishCost(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to read the CPU time of another process")
	}
	if race.Enabled {
		t.Skip("the race detector distorts CPU time: run it without")
	}
	const members, rounds, messages = 1000, 6, 100
	room := startRoom(t, members)
	text := strings.Repeat("x", 128)
	sends := []func(){
		func() { room.broadcast(t, text) },
		func() { room.publish(t, text) },
	}
	var cpu [2]time.Duration
	for round := range rounds {
		for i, send := range sends {
			before := cpuTime(t, room.pid)
			for range messages {
				send()
			}
			if spent := cpuTime(t, room.pid) - before; round <= 1 || spent < cpu[i] { // round 0 warms up
				cpu[i] = spent
			}
		}
	}
	ratio := float64(cpu[1]) / float64(cpu[0])
	t.Logf("CPU time of %d messages to %d members: %v by the plugin, %v by the API: %.2f",
		messages, members, cpu[0], cpu[1], ratio)
	limit := 2.0
	if os.Getenv("AZUHOST_STRICT") != "" {
		limit = 1.3
	}
	if ratio > limit {
		t.Errorf("the API takes %.2f times the CPU time of the plugin, want at most %.1f", ratio, limit)
	}
}

// testRoom is a room of an azuhost in another process.
type testRoom struct {
	pid      int
	internal string
	members  int
	ctx      context.Context
	http     *http.Client
	sender   *websocket.Conn
	last     *websocket.Conn // joined last, and so receives each message last
}

// startRoom starts azuhost with a room of that many members until the end of the test.
func startRoom(t *testing.T, members int) *testRoom {
	t.Helper()
	public := freeAddress(t)
	r := &testRoom{internal: freeAddress(t), members: members}
	r.pid = startProcess(t, "serve", "--route", "/rooms/:room=../../testplugins/rooms.wasm",
		"--listen", public, "--internal", r.internal, "--state-dir=", "--cache-dir=", "--log-level", "error")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	r.ctx = ctx
	c := scriptClient{}
	var err error
	if r.http, err = c.http(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.http.CloseIdleConnections)
	url := "ws://" + public + "/rooms/a"
	if r.sender, err = c.dial(ctx, r.http, url); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for {
			if _, _, err := r.sender.Read(ctx); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { r.sender.CloseNow(); <-drained })
	for range members - 2 {
		addMember(t, public)
	}
	if r.last, err = c.dial(ctx, r.http, url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.last.CloseNow() })
	return r
}

// broadcast sends text through the plugin and waits until all members have received it. Without the wait, the host
// would be idle between messages of one way of sending and not between those of the other.
func (r *testRoom) broadcast(t *testing.T, text string) {
	if err := r.sender.Write(r.ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	r.waitFor(t, text)
}

// publish sends text through the API and waits until all members have received it.
func (r *testRoom) publish(t *testing.T, text string) {
	body := fmt.Sprintf(`{"route": "/rooms/:room", "room": "a", "text": %q}`, text)
	res, err := r.http.Post("http://"+r.internal+"/api/v1/publish", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if want := fmt.Sprintf(`{"sockets":%d,"nodes":1}`, r.members); strings.TrimSpace(string(answer)) != want {
		t.Fatalf("%s, want %s", answer, want)
	}
	r.waitFor(t, text)
}

func (r *testRoom) waitFor(t *testing.T, text string) {
	if _, b, err := r.last.Read(r.ctx); err != nil || string(b) != text {
		t.Fatal(string(b), err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// startProcess runs azuhost as a process until the end of the test and returns its id.
func startProcess(t *testing.T, args ...string) int {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// TestMain runs azuhost if the process has its name.
	cmd := &exec.Cmd{Path: exe, Args: append([]string{"azuhost"}, args...), Stderr: os.Stderr}
	// Variables of the tests themselves, which azuhost would refuse as unknown.
	isOurs := func(kv string) bool { return strings.HasPrefix(kv, "AZUHOST_") }
	cmd.Env = slices.DeleteFunc(os.Environ(), isOurs)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return cmd.Process.Pid
}

// addMember connects a member that discards its messages until the end of the test.
func addMember(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	fmt.Fprint(conn, "GET /rooms/a HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	r := bufio.NewReaderSize(conn, 4096)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, r) // ends when the connection is closed
	}()
}

// cpuTime returns the CPU time that a process has used (proc_pid_stat(5): utime and stime, in hundredths of a second).
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
