package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/mint"
)

func newKeyCommand(proc *process) *cobra.Command {
	return &cobra.Command{
		Use:   "new-key KIND FOLDER",
		Short: "Create keys that sign and verify tokens",
		Long: `Create keys in FOLDER, and print the block auth for the config file. KIND is
ed25519, es256 or rs256 for private.pem, which signs, and public.pem and
jwks.json, which verify. KIND hs256 is for a secret, which does both. Files that
exist are not replaced.`,
		Example: `  azuhost token new-key ed25519 keys
  azuhost token new-key hs256 keys`,
		Args: cobra.ExactArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return mint.Kinds, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(_ *cobra.Command, args []string) error { return newKey(proc, args[0], args[1]) },
	}
}

// newKey writes the files of a new key to dir and prints the block auth that uses them.
func newKey(proc *process, kind, dir string) error {
	if !slices.Contains(mint.Kinds, kind) {
		return &usageError{fmt.Sprintf("kind %q: want one of %q", kind, mint.Kinds)}
	}
	k, err := mint.New(kind)
	if err != nil {
		return err
	}
	files, err := k.Files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"secret", "private.pem", "public.pem", "jwks.json"} {
		if data := files[name]; data != nil {
			if err := createPrivateFile(filepath.Join(dir, name), data); err != nil {
				return err
			}
		}
	}
	key, name := "public_key_file", "public.pem"
	if files["secret"] != nil {
		key, name = "secret_file", "secret"
	}
	_, err = fmt.Fprintf(proc.stdout, "auth:\n  %s: %s\n", key, filepath.Join(dir, name))
	return err
}

// createPrivateFile writes a file that only its owner can read. A file that exists is an error.
func createPrivateFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists already: name another folder, or remove the file", name)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
