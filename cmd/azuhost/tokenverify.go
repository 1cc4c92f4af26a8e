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

// maxTokenInput bounds what verify reads, far above any token.
const maxTokenInput = 1 << 20

func tokenVerifyCommand(w *world, file *string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [TOKEN]",
		Short: "Say whether a token is good, or why not",
		Long: `Check a token as the host would, by the block auth of the config file, and print
its claims. Without TOKEN it is read from standard input, where other users of
the machine can not see it. The exit code is 1 if the token is refused.`,
		Example: `  azuhost token verify < token
  azuhost token --sub alice | azuhost token verify --json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return verifyToken(cmd.Context(), w, *file, args, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// verdict is what verify prints as JSON.
type verdict struct {
	Accepted  bool            `json:"accepted"`
	User      string          `json:"user,omitempty"`
	ExpiresAt int64           `json:"expires_at,omitempty"`
	Claims    json.RawMessage `json:"claims,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Error     string          `json:"error,omitempty"`
}

func verifyToken(ctx context.Context, w *world, file string, args []string, asJSON bool) error {
	cfg, err := authConfig(w, file)
	if err != nil {
		return err
	}
	a := cfg.Options().Auth
	if a == nil {
		return errors.New("nothing to check it with: the config file has no block auth")
	}
	token := strings.Join(args, "")
	if token == "" || token == "-" {
		b, err := io.ReadAll(io.LimitReader(w.stdin, maxTokenInput))
		if err != nil {
			return err
		}
		token = strings.TrimSpace(string(b))
	}
	info, err := host.VerifyToken(ctx, *a, token)
	var refused *host.TokenError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	if asJSON {
		v := verdict{Accepted: err == nil}
		if refused != nil {
			v.Reason, v.Error = refused.Reason, refused.Error()
		} else {
			v.User, v.Claims = info.User, info.Claims
			if !info.Expires.IsZero() {
				v.ExpiresAt = info.Expires.Unix()
			}
		}
		if err := writeJSON(w.stdout, v); err != nil || refused == nil {
			return err
		}
		return errSaid
	}
	if refused != nil {
		return refused
	}
	ends := "never"
	if !info.Expires.IsZero() {
		ends = info.Expires.UTC().Format(time.RFC3339)
	}
	_, err = fmt.Fprintf(w.stdout, "ok\nuser     %s\nexpires  %s\nclaims   %s\n", info.User, ends, info.Claims)
	return err
}
