package azu

import (
	"runtime"
	"strconv"
	"strings"

	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// recoverPanic turns a panic into a hook that fails. Hooks defer it.
func recoverPanic(code *int32) {
	v := recover()
	if v == nil {
		return
	}
	requestTarget = nil
	text := "panic: " + panicText(v)
	raw.Log(int32(LevelError), text+stack())
	*code = raw.Fail(text)
}

func panicText(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case string:
		return v
	case interface{ String() string }:
		return v.String()
	case int:
		return strconv.Itoa(v)
	}
	return "a value that is neither an error nor a string"
}

// stack returns the stack trace of the panic, innermost frame first, without the frames of the runtime and of
// recoverPanic.
func stack() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var b strings.Builder
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			b.WriteString("\n\t" + f.Function + " " + f.File + ":" + strconv.Itoa(f.Line))
		}
		if !more {
			return b.String()
		}
	}
}
