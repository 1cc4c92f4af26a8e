package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// addConfigFlags adds the flags of a configuration to cmd: --config, --route, and one for each key. It returns the
// source that they set.
func addConfigFlags(cmd *cobra.Command, proc *process) *configSource {
	s := &configSource{proc: proc}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&s.file, "config", "c", "",
		"config file (default: $"+config.EnvFile+", or "+defaultFile+" if it exists)")
	fs.VarP((*routeFlag)(&s.routes), "route", "r",
		"serve a plugin at a path, as in /echo=echo.wasm; may be repeated")
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
		if k.Type != "path" { // shells complete files by default
			completion := cobra.FixedCompletions(k.OneOf, cobra.ShellCompDirectiveNoFileComp)
			_ = cmd.RegisterFlagCompletionFunc(k.Flag, completion)
		}
	}
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return s
}

// keyFlag is the flag of a key. It validates the text and keeps it for config.Load.
type keyFlag struct {
	key    config.Key
	source *configSource
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

// routeFlag is the flag --route. It collects routes as PATH=PLUGIN.
type routeFlag []string

var _ pflag.Value = (*routeFlag)(nil)

func (f *routeFlag) String() string { return "" }
func (f *routeFlag) Type() string   { return "stringArray" }

func (f *routeFlag) Set(text string) error {
	if _, _, err := config.ParseRoute(text); err != nil {
		return err
	}
	*f = append(*f, text)
	return nil
}

// flagsOnly refuses arguments. If the argument is true or false, it is probably the value of a bool flag, and the error
// says how to write that.
func flagsOnly(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && (args[0] == "true" || args[0] == "false") {
		name := ""
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if f.NoOptDefVal == "true" {
				name = cmp.Or(name, f.Name)
			}
		})
		if name != "" {
			return fmt.Errorf("unexpected argument %q: write --%s=%s to set the flag", args[0], name, args[0])
		}
	}
	return cobra.NoArgs(cmd, args)
}
