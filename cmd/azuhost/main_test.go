package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/script/scripttest"
)

// TestMain makes the test binary the commands azuhost and wsclient in scripts.
func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){
		"azuhost":  main,
		"wsclient": wsclient,
	})
}

// leakChecked fails a run that leaves goroutines running.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestScripts(t *testing.T) {
	plugins, err := filepath.Abs("../../testplugins")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TESTPLUGINS", plugins)
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			if file, err := scripttest.Runtime(); err == nil {
				e.Setenv("AZUHOST_JS_RUNTIME", file)
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "quickjs" {
				return false, fmt.Errorf("no condition %q", cond)
			}
			_, err := scripttest.Runtime()
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeport":   freeport,
			"selfsigned": selfsigned,
			"send":       sendSignal,
			"appears":    appears,
		},
	})
}

// freeport NAME... sets each variable to a port that nothing listens on.
func freeport(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer ln.Close()
		_, port, err := net.SplitHostPort(ln.Addr().String())
		ts.Check(err)
		ts.Setenv(name, port)
	}
}

// selfsigned CERT KEY writes a self-signed certificate for 127.0.0.1.
func selfsigned(ts *testscript.TestScript, _ bool, args []string) {
	cert, key, err := newCertificate()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), cert, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), key, 0o600))
}

// sendSignal is the command send SIGNAL, which sends HUP or TERM to each azuhost in the background.
func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	sig := syscall.SIGTERM
	if args[0] == "HUP" {
		sig = syscall.SIGHUP
	}
	sent := false
	for _, cmd := range ts.BackgroundCmds() {
		if isAzuhost(cmd) {
			ts.Check(cmd.Process.Signal(sig))
			sent = true
		}
	}
	if !sent {
		ts.Fatalf("azuhost is not in the background")
	}
}

// isAzuhost reports whether cmd is azuhost, or a shell that has replaced itself by azuhost with exec.
func isAzuhost(cmd *exec.Cmd) bool {
	return filepath.Base(cmd.Args[0]) == "azuhost" || strings.Contains(strings.Join(cmd.Args, " "), "exec azuhost")
}

// appears FILE [TEXT] waits until a file exists and contains the text.
func appears(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(testTimeout)
	for {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && (len(args) == 1 || strings.Contains(string(data), args[1])) {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			ts.Fatalf("%q did not appear; last: %v, %s", args, err, data)
		}
	}
}
