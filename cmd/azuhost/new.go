package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/project"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

func newCommand(proc *process) *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "new LANGUAGE FOLDER",
		Short: "Create a project: a channel, its test, and the SDK",
		Long: `Create FOLDER with a channel in LANGUAGE, a scenario that tests it, a config file,
and the SDK. The channel has the name of the folder. Nothing is downloaded.

Languages: ` + strings.Join(toolchain.Names(), ", ") + `.`,
		Example: `  azuhost new typescript chat
  azuhost new rust ~/channels/game
  azuhost new --list                 list the tools of each language, and which are missing`,
		Args: func(_ *cobra.Command, args []string) error {
			if !list && len(args) != 2 {
				return errors.New("want a language and a folder, or --list")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return toolchain.Names(), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if list {
				listLanguages(proc)
				return nil
			}
			return newProject(proc, args[0], args[1])
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "list the languages")
	return cmd
}

func listLanguages(proc *process) {
	tw := tabwriter.NewWriter(proc.stdout, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	for _, l := range toolchain.Languages {
		if len(l.Tools) == 0 {
			fmt.Fprintf(tw, "%s\tneeds nothing\t\n", l.Name)
			continue
		}
		missing := map[string]bool{}
		for _, t := range l.Missing(proc.env) {
			missing[t.Name] = true
		}
		for i, t := range l.Tools {
			name, state := l.Name, "found"
			if i > 0 {
				name = ""
			}
			if missing[t.Name] {
				state = "not found: " + t.Hint
			}
			fmt.Fprintf(tw, "%s\t%s\t%s\n", name, t.Name, state)
		}
	}
}

func newProject(proc *process, language, dir string) error {
	lang, ok := toolchain.ByName(language)
	if !ok {
		known := strings.Join(toolchain.Names(), ", ")
		return &usageError{fmt.Sprintf("unknown language %q: want one of %s", language, known)}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	files, err := project.New(lang, filepath.Base(abs), abs)
	if err != nil {
		return err
	}
	fmt.Fprintf(proc.stdout, "%s is a channel in %s:\n", dir, lang.Title)
	for _, f := range files {
		fmt.Fprintf(proc.stdout, "  %s\n", filepath.Join(dir, filepath.FromSlash(f)))
	}
	for _, t := range lang.Missing(proc.env) {
		fmt.Fprintf(proc.stdout, "\nIt needs %s, which is not found here: %s\n", t.Name, t.Hint)
	}
	fmt.Fprintf(proc.stdout, "\n  cd %s\n", dir)
	if lang.Name == "assemblyscript" {
		fmt.Fprintf(proc.stdout, "  npm install\n")
	}
	fmt.Fprintf(proc.stdout, "  azuhost test\n  azuhost dev\n")
	return nil
}
