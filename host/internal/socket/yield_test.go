package socket

import (
	"sync"
	"testing"
)

func TestYieldWakes(t *testing.T) {
	var run, yields sync.WaitGroup
	y, err := newYielder(&run)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		yields.Go(func() {
			for range 200 {
				y.yield()
			}
		})
	}
	yields.Wait()
	y.close()
	run.Wait()
	y.yield() // returns at once, since no goroutine would wake it
}

func TestYielderCloseWakes(t *testing.T) {
	for range 50 {
		var run, yields sync.WaitGroup
		y, err := newYielder(&run)
		if err != nil {
			t.Fatal(err)
		}
		started := make(chan struct{}, 8)
		for range cap(started) {
			yields.Go(func() {
				y.yield()
				started <- struct{}{}
				for range 50 {
					y.yield()
				}
			})
		}
		<-started
		y.close()
		yields.Wait()
		run.Wait()
	}
}
