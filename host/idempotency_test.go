package host

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestOnceIsTakenOver: who waits for a publication whose own request ends before anything
// went out does it instead, once.
func TestOnceIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, p := newOnce(), Publication{Key: "k", All: true}
		ctx, cancel := context.WithCancel(t.Context())
		first, others, ran := make(chan error, 1), make(chan Delivery, 10), 0
		go func() {
			_, err := o.do(ctx, p, func() (Delivery, error) { <-ctx.Done(); return Delivery{}, ctx.Err() })
			first <- err
		}()
		synctest.Wait()
		for range cap(others) {
			go func() {
				d, err := o.do(t.Context(), p, func() (Delivery, error) { ran++; return Delivery{Sockets: 1, Nodes: 1}, nil })
				if err != nil {
					t.Error(err)
				}
				others <- d
			}()
		}
		synctest.Wait()
		cancel()
		duplicates := 0
		for range cap(others) {
			d := <-others
			if d.Sockets != 1 {
				t.Errorf("%+v", d)
			}
			if d.Duplicate {
				duplicates++
			}
		}
		if err := <-first; !errors.Is(err, context.Canceled) || ran != 1 || duplicates != cap(others)-1 {
			t.Errorf("%v; ran %d times, %d duplicates", err, ran, duplicates)
		}
	})
}
