package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// defaultFile is read where no file is named.
const defaultFile = "azuhost.yaml"

// source gathers the flags that make up a configuration.
type source struct {
	w      *world
	file   string
	routes []string
	set    []config.Setting
	unset  []config.Setting // what keys are that nothing sets, where a command has other defaults
	dev    *devOutput       // nil: not developing
}

// sourceFlags adds the flags to cmd: --config, --route, and one for each key.
func sourceFlags(cmd *cobra.Command, w *world) *source {
	s := &source{w: w}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&s.file, "config", "c", "", "config file (default: $"+config.EnvFile+", else "+defaultFile+" where it is there)")
	fs.VarP((*routeFlag)(&s.routes), "route", "r", "serve a plugin at a path, as in /echo=echo.wasm; may be repeated")
	for _, k := range config.Keys() {
		if k.Flag == "" {
			continue
		}
		f := fs.VarPF(&keyFlag{key: k, source: s}, k.Flag, "", k.Doc)
		if k.Type == "bool" {
			f.NoOptDefVal = "true"
		}
		if k.Type == "list" || k.Default == `""` {
			f.DefValue = ""
		}
		complete(cmd, k)
	}
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return s
}

// complete tells shells what the flag of a key can be.
func complete(cmd *cobra.Command, k config.Key) {
	if k.Type == "path" {
		return // files, which is what shells do by themselves
	}
	_ = cmd.RegisterFlagCompletionFunc(k.Flag, cobra.FixedCompletions(k.OneOf, cobra.ShellCompDirectiveNoFileComp))
}

// keyFlag is the flag of a key. It keeps the text: the config package applies
// it above the file and the environment.
type keyFlag struct {
	key    config.Key
	source *source
}

var _ pflag.Value = (*keyFlag)(nil)

func (f *keyFlag) String() string { return f.key.Default }

func (f *keyFlag) Type() string {
	if len(f.key.OneOf) > 0 {
		return strings.Join(f.key.OneOf, "|")
	}
	return f.key.Type
}

func (f *keyFlag) Set(text string) error {
	if err := f.key.Validate(text); err != nil {
		return err
	}
	f.source.set = append(f.source.set, config.Setting{Key: f.key.Name, Text: text})
	return nil
}

// routeFlag gathers routes, as PATH=PLUGIN.
type routeFlag []string

func (f *routeFlag) String() string { return "" }
func (f *routeFlag) Type() string   { return "stringArray" }

func (f *routeFlag) Set(text string) error {
	if _, _, err := config.ParseRoute(text); err != nil {
		return err
	}
	*f = append(*f, text)
	return nil
}

// flagsOnly refuses arguments. true and false are the likely ones: the value of a
// flag that takes it behind a = only.
func flagsOnly(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && (args[0] == "true" || args[0] == "false") {
		name := ""
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if f.NoOptDefVal == "true" {
				name = cmp.Or(name, f.Name)
			}
		})
		if name != "" {
			return fmt.Errorf("%q is an argument, and there are none: the value of a flag stands behind =, as in --%s=%s", args[0], name, args[0])
		}
	}
	return cobra.NoArgs(cmd, args)
}

// load reads the configuration. It can be called again to read it anew.
func (s *source) load() (*config.Config, string, error) {
	file, err := s.find()
	if err != nil {
		return nil, "", err
	}
	load := config.Load
	if s.dev != nil {
		load = s.loadDev
	}
	cfg, err := load(s.from(file))
	return cfg, file, err
}

// from is where the configuration comes from, with a file or, if empty, none.
func (s *source) from(file string) config.Source {
	return config.Source{Defaults: s.unset, File: file, Env: s.w.env, Flags: s.set, Routes: s.routes}
}

// changes says when the configuration is to be read again; nil: never.
func (s *source) changes() <-chan struct{} {
	if s.dev == nil {
		return nil
	}
	return s.dev.changed
}

// find says which file to read. Empty: none.
func (s *source) find() (string, error) {
	if s.file != "" {
		return s.file, nil
	}
	for _, kv := range s.w.env {
		if file, ok := strings.CutPrefix(kv, config.EnvFile+"="); ok && file != "" {
			return file, nil
		}
	}
	if len(s.routes) > 0 {
		return "", nil
	}
	if _, err := os.Stat(defaultFile); err == nil {
		return defaultFile, nil
	}
	if s.dev != nil {
		return s.dev.configFile(), nil
	}
	return "", &usageError{"nothing to serve: there is no " + defaultFile + " here; name a file with --config, or a plugin with --route /echo=echo.wasm"}
}

// report writes the problems of a configuration, one a line, and returns
// errSaid for them. Other errors it returns as they are.
func (s *source) report(err error) error {
	var probs config.Problems
	if !errors.As(err, &probs) {
		return err
	}
	for _, p := range probs {
		fmt.Fprintln(s.w.stderr, p)
	}
	return errSaid
}
