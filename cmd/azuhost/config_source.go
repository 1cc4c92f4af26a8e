package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// defaultFile is the config file that is read if no other is named.
const defaultFile = "azuhost.yaml"

// configSource holds the sources of a command's configuration, and loads it.
type configSource struct {
	proc     *process
	file     string           // --config
	routes   []string         // --route
	set      []config.Setting // flags of keys
	defaults []config.Setting // of the command, in place of those of package config
	dev      *devSession      // nil outside azuhost dev
}

// load reads the configuration, and returns it with the name of the config file. The name is empty if there is none. It
// may be called again after a change.
func (s *configSource) load() (*config.Config, string, error) {
	file, err := s.findFile()
	if err != nil {
		return nil, "", err
	}
	load := config.Load
	if s.dev != nil {
		load = s.loadDev
	}
	cfg, err := load(s.sourceOf(file))
	return cfg, file, err
}

// sourceOf returns the source for config.Load with a file. An empty file is none.
func (s *configSource) sourceOf(file string) config.Source {
	return config.Source{Defaults: s.defaults, File: file, Env: s.proc.env, Flags: s.set, Routes: s.routes}
}

// changes receives when the configuration has changed and must be loaded again. Outside azuhost dev it never does.
func (s *configSource) changes() <-chan struct{} {
	if s.dev == nil {
		return nil
	}
	return s.dev.changed
}

// findFile returns the name of the config file. It is empty if the routes come from flags, or from the arguments of
// azuhost dev.
func (s *configSource) findFile() (string, error) {
	if file := cmp.Or(s.file, s.proc.getenv(config.EnvFile)); file != "" {
		return file, nil
	}
	if len(s.routes) > 0 {
		return "", nil
	}
	if exists(defaultFile) {
		return defaultFile, nil
	}
	if s.dev != nil {
		return s.dev.configFile(), nil
	}
	return "", &usageError{"nothing to serve: there is no " + defaultFile + " here; " +
		"name a file with --config, or a plugin with --route /echo=echo.wasm"}
}

// report prints the problems of a configuration, one on each line, and returns errReported. It returns other errors as
// they are.
func (s *configSource) report(err error) error {
	var probs config.Problems
	if !errors.As(err, &probs) {
		return err
	}
	for _, p := range probs {
		fmt.Fprintln(s.proc.stderr, p)
	}
	return errReported
}

// exists reports whether there is a file or folder of that name.
func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
