package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// versionNamed returns a module whose bytes are its name.
func versionNamed(name string) Module { return newModule([]byte(name)) }

// String lists the running, the last good, the previous and the refused versions.
func (h *History) String() string {
	var parts []string
	for _, v := range []struct {
		name string
		m    *Module
	}{{"running", h.running}, {"good", h.lastGood}, {"previous", h.previous}} {
		if v.m != nil {
			parts = append(parts, v.name+" "+string(v.m.wasm))
		}
	}
	for _, sum := range h.refused {
		for c := 'a'; c <= 'z'; c++ {
			if versionNamed(string(c)).sum == sum {
				parts = append(parts, "refused "+string(c))
			}
		}
	}
	return strings.Join(parts, ", ")
}

// step applies the transition "name version" to h. The transitions done and undo end the rollback rb. A rollback that
// cannot begin is an error.
func step(h *History, rb **rollback, text string) error {
	var ok bool
	switch name, version, _ := strings.Cut(text, " "); name {
	case "loaded":
		h.loaded(versionNamed(version))
		return nil
	case "passed":
		h.passed(versionNamed(version))
		return nil
	case "failed":
		*rb, ok = h.failed(versionNamed(version))
	case "revert":
		*rb, ok = h.revert()
	case "done":
		(*rb).done()
		return nil
	case "undo":
		(*rb).undo()
		return nil
	case "lift":
		h.Lift()
		return nil
	default:
		return fmt.Errorf("unknown step %q", text)
	}
	if !ok {
		return errors.New(text + ": no version")
	}
	return nil
}

// TestTransitions checks the versions that a History has after sequences of transitions.
func TestTransitions(t *testing.T) {
	const (
		good1 = "loaded a, passed a"
		good2 = good1 + ", loaded b, passed b"
	)
	for _, tc := range []struct{ name, steps, want string }{
		{"nothing", "", ""},
		{"the first version is on trial", "loaded a", "running a"},
		{"the first version passes", "loaded a, passed a", "running a, good a"},
		{"the second version is on trial", good1 + ", loaded b", "running b, good a"},
		{"the second version passes", good2, "running b, good b, previous a"},
		{"the same version passes twice", good1 + ", loaded a, passed a", "running a, good a"},

		{"the first version fails", "loaded a, failed a", "failed a: no version"},
		{"the last good version fails", good1 + ", failed a", "failed a: no version"},
		{"a failed version is refused at once", good1 + ", loaded b, failed b", "running b, good a, refused b"},
		{"the last good version runs again", good1 + ", loaded b, failed b, done", "running a, good a, refused b"},
		{"the last good version does not start", good1 + ", loaded b, failed b, undo", "running b, good a"},
		{"another version loads before the rollback",
			good1 + ", loaded b, failed b, loaded c", "running c, good a, refused b"},
		{"a rollback fails after another version loaded",
			good1 + ", loaded b, failed b, loaded c, undo", "running c, good a, refused b"},
		{"a failure keeps the previous version",
			good2 + ", loaded c, failed c, done", "running b, good b, previous a, refused c"},
		{"both of two versions on trial are skipped",
			good1 + ", loaded b, loaded c, failed c, done", "running a, good a, refused c"},

		{"revert of nothing", "revert", "revert: no version"},
		{"revert of the first version", good1 + ", revert", "revert: no version"},
		{"revert of a version that has passed", good2 + ", revert, done", "running a, good a, refused b"},
		{"revert of a version on trial", good1 + ", loaded b, revert, done", "running a, good a, refused b"},
		{"revert that does not start", good2 + ", revert, undo", "running b, good b, previous a"},
		{"revert twice", good2 + ", revert, done, revert", "revert: no version"},
		{"revert after a failure",
			good2 + ", loaded c, failed c, done, revert, done", "running a, good a, refused c, refused b"},

		{"lift", good1 + ", loaded b, failed b, done, lift", "running a, good a"},
		{"a refused version loads after lift",
			good1 + ", loaded b, failed b, done, lift, loaded b, passed b", "running b, good b, previous a"},
		{"revert of a version that was refused before",
			good2 + ", revert, done, lift, loaded b, revert, done", "running a, good a, refused b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := NewHistory(nil)
			var rb *rollback
			var err error
			for text := range strings.SplitSeq(tc.steps, ", ") {
				if text == "" {
					continue
				}
				if err = step(h, &rb, text); err != nil {
					break
				}
			}
			got := h.String()
			if err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("%s:\ngot  %s\nwant %s", tc.steps, got, tc.want)
			}
		})
	}
}

// TestLastGoodVersionIsNotOnTrial checks that loaded reports a trial for any version but the last good one.
func TestLastGoodVersionIsNotOnTrial(t *testing.T) {
	a, b := versionNamed("a"), versionNamed("b")
	h := NewHistory(&a)
	if h.loaded(a) {
		t.Error("the last good version is on trial")
	}
	if !h.loaded(b) {
		t.Error("another version is not on trial")
	}
}

// TestRefusedVersions checks that the last maxRefused failed versions are refused, until Lift.
func TestRefusedVersions(t *testing.T) {
	good := versionNamed("good")
	h := NewHistory(&good)
	versions := make([]Module, maxRefused+1)
	for i := range versions {
		versions[i] = versionNamed(fmt.Sprint(i))
		h.loaded(versions[i])
		rb, ok := h.failed(versions[i])
		if !ok {
			t.Fatal("no version")
		}
		rb.done()
	}
	for i, m := range versions {
		if h.refuses(m) != (i > 0) {
			t.Errorf("version %d is refused: %v", i, h.refuses(m))
		}
	}
	if lastGood, refused := h.IDs(); lastGood != good.Version() || refused != versions[maxRefused].Version() {
		t.Errorf("last good %s, refused %s", lastGood, refused)
	}
	h.Lift()
	if _, refused := h.IDs(); refused != "" || h.refuses(versions[1]) {
		t.Errorf("%s is refused after Lift", refused)
	}
}

// TestAcquire checks that a second load waits until the first one has ended or its context is done.
func TestAcquire(t *testing.T) {
	h := NewHistory(nil)
	ctx, cancel := context.WithCancel(t.Context())
	if err := h.acquire(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := h.acquire(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a second load: %v", err)
	}
	h.release()
	if err := h.acquire(t.Context()); err != nil {
		t.Error(err)
	}
}
