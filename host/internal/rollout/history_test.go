package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// versionNamed returns a module whose bytes are its name.
func versionNamed(name string) Module { return NewModule([]byte(name)) }

func (h *History) String() string {
	name := func(m *Module) string {
		if m == nil {
			return "-"
		}
		return string(m.wasm)
	}
	var refused strings.Builder
	for _, sum := range h.refused {
		for c := 'a'; c <= 'z'; c++ {
			if versionNamed(string(c)).sum == sum {
				refused.WriteRune(c)
			}
		}
	}
	return fmt.Sprintf("runs %s good %s previous %s refused %s", name(h.running), name(h.lastGood), name(h.previous), refused.String())
}

// step applies the transition "name version" to h. done and undo end the rollback rb; a rollback that can not begin is
// an error.
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

func TestTransitions(t *testing.T) {
	for _, tc := range []struct{ name, steps, want string }{
		{"nothing", "", "runs - good - previous - refused "},
		{"the first version is on trial", "loaded a", "runs a good - previous - refused "},
		{"and passes", "loaded a, passed a", "runs a good a previous - refused "},
		{"the second version is on trial", "loaded a, passed a, loaded b", "runs b good a previous - refused "},
		{"and passes", "loaded a, passed a, loaded b, passed b", "runs b good b previous a refused "},
		{"the same version passes twice", "loaded a, passed a, loaded a, passed a", "runs a good a previous - refused "},

		{"the first version fails", "loaded a, failed a", "failed a: no version"},
		{"the last good version fails", "loaded a, passed a, failed a", "failed a: no version"},
		{"a failed version is refused at once", "loaded a, passed a, loaded b, failed b", "runs b good a previous - refused b"},
		{"until the last good one runs", "loaded a, passed a, loaded b, failed b, done", "runs a good a previous - refused b"},
		{"or does not start", "loaded a, passed a, loaded b, failed b, undo", "runs b good a previous - refused "},
		{"or another version comes", "loaded a, passed a, loaded b, failed b, loaded c", "runs c good a previous - refused b"},
		{"an undo after another version came", "loaded a, passed a, loaded b, failed b, loaded c, undo", "runs c good a previous - refused b"},
		{"a failure keeps the previous version", "loaded a, passed a, loaded b, passed b, loaded c, failed c, done", "runs b good b previous a refused c"},
		{"of two versions on trial both are skipped", "loaded a, passed a, loaded b, loaded c, failed c, done", "runs a good a previous - refused c"},

		{"revert of nothing", "revert", "revert: no version"},
		{"revert of the first version", "loaded a, passed a, revert", "revert: no version"},
		{"revert of a version that has passed", "loaded a, passed a, loaded b, passed b, revert, done", "runs a good a previous - refused b"},
		{"revert of a version on trial", "loaded a, passed a, loaded b, revert, done", "runs a good a previous - refused b"},
		{"revert that does not start", "loaded a, passed a, loaded b, passed b, revert, undo", "runs b good b previous a refused "},
		{"revert twice", "loaded a, passed a, loaded b, passed b, revert, done, revert", "revert: no version"},
		{"revert after a failure", "loaded a, passed a, loaded b, passed b, loaded c, failed c, done, revert, done", "runs a good a previous - refused cb"},

		{"lift", "loaded a, passed a, loaded b, failed b, done, lift", "runs a good a previous - refused "},
		{"a version may come back", "loaded a, passed a, loaded b, failed b, done, lift, loaded b, passed b", "runs b good b previous a refused "},
		{"and be reverted again", "loaded a, passed a, loaded b, passed b, revert, done, lift, loaded b, revert, done", "runs a good a previous - refused b"},
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

func TestLastGoodVersionIsNotOnTrial(t *testing.T) {
	a, b := versionNamed("a"), versionNamed("b")
	h := NewHistory(&a)
	if h.loaded(a) {
		t.Error("the last good version is on trial")
	}
	if !h.loaded(b) {
		t.Error("another version is not")
	}
}

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
