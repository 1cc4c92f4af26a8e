package logonce

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := New()
		if !k.First("a") || k.First("a") || !k.First("b") {
			t.Error("a key is logged twice, or not at all")
		}
		time.Sleep(keyTTL)
		if !k.First("a") {
			t.Error("a key is not logged again after an hour")
		}
		lines := 0
		for i := range 10_000 {
			if k.First(fmt.Sprint("key ", i)) {
				lines++
			}
		}
		if lines >= logBurst+1 {
			t.Errorf("%d lines for keys that are all different", lines)
		}
		time.Sleep(logInterval)
		if !k.First("another") {
			t.Error("no line after the interval")
		}
	})
}
