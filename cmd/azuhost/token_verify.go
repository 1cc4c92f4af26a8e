package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/host"
)

// maxTokenInput bounds the standard input of verify, in bytes. It is far above any token.
const maxTokenInput = 1 << 20

func tokenVerifyCommand(proc *process, file *string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [TOKEN]",
		Short: "Verify a token and print its claims",
		Long: `Verify a token as the host does, with the block auth of the config file, and print
its claims. Without TOKEN, the token is read from the standard input, which hides
it from other users of the machine. The exit code is 1 if the token is refused.`,
		Example: `  azuhost token verify < token
  azuhost token --sub alice | azuhost token verify --json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return verifyToken(cmd.Context(), proc, *file, args, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// verifyResult is the result of verify, as --json prints it.
type verifyResult struct {
	Accepted  bool            `json:"accepted"`
	User      string          `json:"user,omitempty"`
	ExpiresAt int64           `json:"expires_at,omitempty"`
	Claims    json.RawMessage `json:"claims,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Error     string          `json:"error,omitempty"`
}

func verifyToken(ctx context.Context, proc *process, file string, args []string, asJSON bool) error {
	cfg, err := loadAuthConfig(proc, file)
	if err != nil {
		return err
	}
	a := cfg.Options().Auth
	if a == nil {
		return errors.New("no keys to verify with: add a block auth to the config file")
	}
	token, err := readToken(proc, args)
	if err != nil {
		return err
	}
	info, err := host.VerifyToken(ctx, *a, token)
	var refused *host.TokenError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	switch {
	case asJSON:
		return printVerifyResult(proc.stdout, info, refused)
	case refused != nil:
		return refused
	}
	expires := "never"
	if !info.Expires.IsZero() {
		expires = info.Expires.UTC().Format(time.RFC3339)
	}
	_, err = fmt.Fprintf(proc.stdout, "ok\nuser     %s\nexpires  %s\nclaims   %s\n", info.User, expires, info.Claims)
	return err
}

// readToken returns the argument, or the standard input if there is none or it is "-".
func readToken(proc *process, args []string) (string, error) {
	if len(args) > 0 && args[0] != "" && args[0] != "-" {
		return args[0], nil
	}
	b, err := io.ReadAll(io.LimitReader(proc.stdin, maxTokenInput))
	return strings.TrimSpace(string(b)), err
}

// printVerifyResult prints the result as JSON. It returns errReported for a refused token.
func printVerifyResult(w io.Writer, info *host.TokenInfo, refused *host.TokenError) error {
	if refused != nil {
		if err := writeJSON(w, verifyResult{Reason: refused.Reason, Error: refused.Error()}); err != nil {
			return err
		}
		return errReported
	}
	r := verifyResult{Accepted: true, User: info.User, Claims: info.Claims}
	if !info.Expires.IsZero() {
		r.ExpiresAt = info.Expires.Unix()
	}
	return writeJSON(w, r)
}
