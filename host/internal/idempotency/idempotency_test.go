package idempotency

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestCanceledAttempt checks that one of the callers that wait for an attempt runs in its place if it is canceled
// before it had an effect.
func TestCanceledAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, runs := New[int](), 0
		ctx, cancel := context.WithCancel(t.Context())
		first, others := make(chan error, 1), make(chan bool, 10)
		go func() {
			_, _, err := keys.Do(ctx, "k", Hash{}, func() (int, bool, error) {
				<-ctx.Done()
				return 0, false, ctx.Err()
			})
			first <- err
		}()
		synctest.Wait()
		for range cap(others) {
			go func() {
				n, duplicate, err := keys.Do(t.Context(), "k", Hash{}, func() (int, bool, error) {
					runs++
					return 7, true, nil
				})
				if n != 7 || err != nil {
					t.Error(n, err)
				}
				others <- duplicate
			}()
		}
		synctest.Wait()
		cancel()
		duplicates := 0
		for range cap(others) {
			if <-others {
				duplicates++
			}
		}
		if err := <-first; !errors.Is(err, context.Canceled) || runs != 1 || duplicates != cap(others)-1 {
			t.Errorf("%v; ran %d times, %d duplicates", err, runs, duplicates)
		}
	})
}
