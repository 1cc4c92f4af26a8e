package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/mint"
)

// tokenFlags holds the flags of azuhost token: the claims of a token and the key that signs it.
type tokenFlags struct {
	sub, issuer string
	audience    []string
	claims      []string
	expires     time.Duration
	secretFile  string
	keyFile     string
	keyID       string
}

func tokenCommand(proc *process) *cobra.Command {
	var (
		file string
		f    tokenFlags
	)
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Create a token for a connection, verify one, or create keys",
		Long: `Create a token (JWT) for tests, and print it. The secret, the issuer and the
audience come from the block auth of the config file, unless flags set them. If
the block names public keys, --key names the private key.`,
		Example: `  azuhost token --sub alice
  azuhost token --sub alice --expires 5m --claim role=admin --claim rooms='["a","b"]'
  azuhost token --sub alice --key keys/private.pem --iss me --aud chat
  azuhost token new-key ed25519 keys         create a private key, its public key and a JWKS
  azuhost token --sub alice | azuhost token verify`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadAuthConfig(proc, file)
			if err != nil {
				return err
			}
			return printToken(proc, f, cfg)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.PersistentFlags().StringVarP(&file, "config", "c", "",
		"config file (default: $"+config.EnvFile+", or "+defaultFile+" if it exists)")
	f.add(cmd)
	cmd.AddCommand(tokenVerifyCommand(proc, &file), newKeyCommand(proc))
	for _, c := range cmd.Commands() {
		c.RunE = markFailures(c.RunE)
	}
	return cmd
}

// add adds the flags to cmd.
func (f *tokenFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.sub, "sub", "", "subject: the user of the connection")
	fs.StringArrayVar(&f.claims, "claim", nil,
		"another claim, as in role=admin; a value that is JSON is used as JSON; may be repeated")
	fs.DurationVar(&f.expires, "expires", time.Hour,
		"time that the token is valid; 0: no end, which needs require_expiry: false")
	fs.StringVar(&f.issuer, "iss", "", "issuer (default: auth.issuer)")
	fs.StringSliceVar(&f.audience, "aud", nil, "audience (default: the first of auth.audience)")
	fs.StringVar(&f.secretFile, "secret-file", "",
		"file with the secret that signs the token, for HS256 (default: auth.secret_file or auth.secret)")
	fs.StringVar(&f.keyFile, "key", "",
		"PEM file with the private key that signs the token, for RS256, ES256 or EdDSA")
	fs.StringVar(&f.keyID, "kid", "",
		"kid of the header (default with --key: the thumbprint of the key, as in the JWKS of new-key)")
	_ = cmd.MarkFlagRequired("sub")
	cmd.MarkFlagsMutuallyExclusive("secret-file", "key")
	for _, name := range []string{"sub", "claim", "expires", "iss", "aud", "kid"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// loadAuthConfig loads the config file, if there is one. It ignores mistakes in routes.
func loadAuthConfig(proc *process, file string) (*config.Config, error) {
	src := &configSource{proc: proc, file: file}
	name, err := src.findFile()
	if usage := (*usageError)(nil); errors.As(err, &usage) {
		name = "" // no config file
	}
	cfg, err := config.Load(config.Source{File: name, Env: proc.env})
	var probs config.Problems
	if !errors.As(err, &probs) {
		return cfg, err
	}
	for _, p := range probs {
		if p.Route == "" {
			return nil, p
		}
	}
	return cfg, nil
}

func printToken(proc *process, f tokenFlags, cfg *config.Config) error {
	key, err := signingKey(f, cfg.Auth)
	if err != nil {
		return err
	}
	if f.keyID != "" {
		key.ID = f.keyID
	}
	claims, err := f.buildClaims(cfg.Auth, time.Now())
	if err != nil {
		return err
	}
	token, err := key.Sign(claims)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(proc.stdout, token)
	return err
}

// signingKey returns the key that the flags name, or that of the configuration.
func signingKey(f tokenFlags, a config.Auth) (*mint.Key, error) {
	switch {
	case f.keyFile != "":
		return readKey(f.keyFile, mint.ReadPrivate)
	case f.secretFile != "":
		return readKey(f.secretFile, parseSecret)
	case a.Secret != "":
		return mint.Secret([]byte(a.Secret))
	case a.SecretFile != "":
		return readKey(string(a.SecretFile), parseSecret)
	case a.PublicKeyFile != "" || a.JWKSFile != "" || a.JWKSURL != "":
		return nil, errors.New("the configuration has only public keys: name the private one with --key")
	}
	return nil, errors.New("no key to sign with: name a file with --secret-file or --key, " +
		"or set auth.secret_file in the config file")
}

// parseSecret returns the key that is the content of a secret file, without white space around it.
func parseSecret(b []byte) (*mint.Key, error) { return mint.Secret(bytes.TrimSpace(b)) }

// readKey parses the content of a file as a key.
func readKey(file string, parse func([]byte) (*mint.Key, error)) (*mint.Key, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	k, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

// buildClaims returns the claims of a token that is issued now. a holds the defaults.
func (f tokenFlags) buildClaims(a config.Auth, now time.Time) (map[string]any, error) {
	c := map[string]any{"sub": f.sub, "iat": now.Unix()}
	if f.expires != 0 {
		c["exp"] = now.Add(f.expires).Unix()
	}
	if f.issuer == "" {
		f.issuer = a.Issuer
	}
	if f.issuer != "" {
		c["iss"] = f.issuer
	}
	if len(f.audience) == 0 && len(a.Audience) > 0 {
		f.audience = a.Audience[:1]
	}
	switch len(f.audience) {
	case 0:
	case 1:
		c["aud"] = f.audience[0]
	default:
		c["aud"] = f.audience
	}
	for _, text := range f.claims {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, &usageError{fmt.Sprintf("--claim %s: want NAME=VALUE", text)}
		}
		if json.Valid([]byte(value)) {
			c[name] = json.RawMessage(value)
		} else {
			c[name] = value
		}
	}
	return c, nil
}
