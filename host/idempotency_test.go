package host

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestIdempotencyAfterCancel checks that one of the callers that wait for an attempt publishes instead if the attempt
// is canceled before anything was sent.
func TestIdempotencyAfterCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, p := newIdempotency(), Publication{Key: "k", All: true}
		ctx, cancel := context.WithCancel(t.Context())
		first, others, runs := make(chan error, 1), make(chan Delivery, 10), 0
		go func() {
			_, err := keys.do(ctx, p, func() (Delivery, error) { <-ctx.Done(); return Delivery{}, ctx.Err() })
			first <- err
		}()
		synctest.Wait()
		for range cap(others) {
			go func() {
				d, err := keys.do(t.Context(), p, func() (Delivery, error) { runs++; return Delivery{Sockets: 1, Nodes: 1}, nil })
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
		if err := <-first; !errors.Is(err, context.Canceled) || runs != 1 || duplicates != cap(others)-1 {
			t.Errorf("%v; ran %d times, %d duplicates", err, runs, duplicates)
		}
	})
}
