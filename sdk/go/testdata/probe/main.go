// Command probe is a plugin for tests of the SDK in WebAssembly. A message is the name of a test; others are echoed.
package main

import (
	"errors"
	"runtime"
	"strconv"
	"time"

	azu "github.com/azuhost/azuhost/sdk/go"
)

type probe struct{ azu.Base }

var (
	garbage [64][]byte
	done    = make(chan int, 100)
	calls   int // of "garbage"
)

func (probe) OnMessage(c azu.Conn, m azu.Message) error {
	switch string(m.Data) {
	case "allocations":
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return c.Send(azu.Text(strconv.FormatUint(s.Mallocs, 10)))
	case "room":
		var buf [64]byte
		room, err := c.AppendParam(buf[:0], "room")
		if err != nil {
			return err
		}
		return azu.Room(room).BroadcastExcept(m, c)
	case "garbage":
		calls++
		garbage[calls%len(garbage)] = make([]byte, 8<<10)
		return nil
	case "panic":
		var list []int
		return c.Send(azu.Text(strconv.Itoa(list[len(m.Data)])))
	case "panic after a goroutine":
		go func() { done <- 1 }()
		<-done
		panic("after the wait")
	case "error":
		return errors.New("no luck")
	case "start a goroutine":
		go func() {
			time.Sleep(time.Microsecond)
			done <- 1
		}()
		return nil
	case "wait":
		return c.Send(azu.Text(strconv.Itoa(<-done)))
	}
	return c.Send(m)
}

func init() { azu.Register(probe{}) }

func main() {}
