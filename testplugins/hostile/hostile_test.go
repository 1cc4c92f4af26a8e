// Package hostile attacks a host with plugins, most of them in this directory, that do all the harm that they can.
package hostile

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/internal/race"
)

// childCase is the environment variable that names the case of a child process.
const childCase = "AZUHOST_TEST_HOSTILE"

const (
	window       = 500 * time.Millisecond // at least, of a measurement
	childTimeout = 40 * time.Second
	maxResident  = 512 << 20 // of the process, in bytes
	maxLogLines  = 1_000     // in a case

	// strictP99 and lenientP99 are round-trip times of the bystanders that are accepted whatever they were before the
	// attack. Two busy cores can delay any process by the first; the second is for machines that run other tests too.
	strictP99  = 20 * time.Millisecond
	lenientP99 = time.Second
)

// strict reports whether times are held to their limits, which needs a machine that does nothing else.
func strict() bool { return os.Getenv("AZUHOST_STRICT") != "" && !race.Enabled }

// TestHostile runs a hostile plugin on one route while bystanders use a plugin on another route. Each case runs in a
// process of its own, so that a case that stops or ends the process fails alone. A case checks:
//
//   - The process survives, and the bystanders lose no message and see them in order.
//   - The p99 of the bystanders' round trips is at most twice that of the time just before the attack, or strictP99,
//     or lenientP99 unless strict: see bystanders and testbed.measure.
//   - The attacker gets INTERNAL_ERROR or a refusal, and is served afterwards.
//   - A failed hook has no effects.
//   - The fault is counted with its reason. The log has at most maxLogLines lines, all clean.
//   - Heap, guest memory and goroutines return to what they were: see testbed.wantUsage. The resident memory of the
//     process never exceeds maxResident.
//   - A module that is refused is refused soon, with a text that has the limit, what was found, and the key of the
//     configuration.
func TestHostile(t *testing.T) {
	for i := range cases {
		c := &cases[i]
		t.Run(c.name, func(t *testing.T) {
			if os.Getenv(childCase) == c.name {
				c.run(t)
				return
			}
			c.runChild(t)
		})
	}
}

// runChild runs the case in a child process.
func (c *testCase) runChild(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), childTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, "-test.run=^TestHostile$/^"+c.name+"$", "-test.v",
		"-test.timeout="+(childTimeout-5*time.Second).String())
	cmd.Env = append(os.Environ(), childCase+"="+c.name)
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	for line := range strings.Lines(out.String()) {
		if _, m, ok := strings.Cut(line, measuredPrefix); ok {
			t.Log(strings.TrimSpace(m))
		}
	}
	if ctx.Err() != nil {
		t.Fatalf("the process stood still and was killed after %s", childTimeout)
	}
	if err != nil {
		text := out.String()
		t.Fatalf("the process failed: %v\n%s", err, text[:min(len(text), 8<<10)])
	}
	if !strings.Contains(out.String(), "--- PASS: TestHostile/"+c.name+" ") {
		t.Fatalf("the process did not run the case:\n%s", out.String())
	}
	if peak := peakMemory(cmd.ProcessState); peak > 0 {
		t.Logf("peak resident memory %d MiB", peak>>20)
		if peak > maxResident && !race.Enabled { // the race detector has memory of its own
			t.Errorf("the process had %d MiB of resident memory, want at most %d", peak>>20, maxResident>>20)
		}
	}
}

// run runs the case in this process.
func (c *testCase) run(t *testing.T) {
	b := newTestbed(t, c)
	if c.refused == nil {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := b.host.Reload(ctx, b.options); err != nil {
			t.Fatalf("the plugin does not load: %v", err)
		}
		b.join()
	}
	before := b.usage()
	b.measure()
	if c.refused == nil && !c.harmless {
		b.wantFailures()
		b.wantNoEffects()
	}
	b.wantUsage(before)
	if lines, unclean := b.log.lines.Load(), b.log.unclean.Load(); lines > maxLogLines || unclean > 0 {
		t.Errorf("the log has %d lines, %d of them too long or with control characters; want at most %d, and none",
			lines, unclean, maxLogLines)
	}
	b.bystanders.end()
}
