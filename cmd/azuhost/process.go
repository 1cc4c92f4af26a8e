package main

import (
	"io"
	"strings"
)

// process is the part of the process that commands use. Tests replace it.
type process struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    []string // KEY=value
}

// getenv returns the value of a variable. It is empty if the variable is not set.
func (p *process) getenv(name string) (value string) {
	for _, kv := range p.env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v // the last one applies
		}
	}
	return value
}
