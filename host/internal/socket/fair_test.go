package socket

import (
	"sync"
	"testing"
)

func TestFairWakes(t *testing.T) {
	var run, yields sync.WaitGroup
	f, err := newFair(&run)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		yields.Go(func() {
			for range 200 {
				f.yield()
			}
		})
	}
	yields.Wait()
	f.close()
	run.Wait()
	f.yield() // at once: nobody would wake it
}

func TestFairCloseWakes(t *testing.T) {
	for range 50 {
		var run, yields sync.WaitGroup
		f, err := newFair(&run)
		if err != nil {
			t.Fatal(err)
		}
		started := make(chan struct{}, 8)
		for range cap(started) {
			yields.Go(func() {
				f.yield()
				started <- struct{}{}
				for range 50 {
					f.yield()
				}
			})
		}
		<-started
		f.close()
		yields.Wait()
		run.Wait()
	}
}
