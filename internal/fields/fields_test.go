package fields

import (
	"slices"
	"testing"
	"time"
)

type inner struct {
	Size int64
	Note string
}

type outer struct {
	Name   string
	Wait   time.Duration
	Count  int
	List   []string
	Inside inner
	hidden int
}

func TestFill(t *testing.T) {
	got := outer{Count: 3, Inside: inner{Note: "set"}}
	Fill(&got, outer{
		Name: "n", Wait: time.Second, Count: 1, List: []string{"a"}, Inside: inner{Size: 9, Note: "default"}, hidden: 7,
	})
	if got.Name != "n" || got.Wait != time.Second || got.Count != 3 || !slices.Equal(got.List, []string{"a"}) ||
		got.Inside != (inner{9, "set"}) || got.hidden != 0 {
		t.Errorf("filled to %+v", got)
	}
}

func TestCopy(t *testing.T) {
	type seconds int64
	type other struct {
		Name   int // of another kind: not copied
		Wait   seconds
		Count  int64
		Extra  bool // not in src: left
		Inside struct{ Size int }
	}
	dst := other{Extra: true}
	missed := Copy(&dst, outer{Name: "n", Wait: 5, Count: 3, Inside: inner{Size: 9, Note: "x"}, hidden: 1})
	if dst.Name != 0 || dst.Wait != 5 || dst.Count != 3 || !dst.Extra || dst.Inside.Size != 9 {
		t.Errorf("copied to %+v", dst)
	}
	if want := []string{"Name", "List", "Inside.Note"}; !slices.Equal(missed, want) {
		t.Errorf("missed %q, want %q", missed, want)
	}
}
