package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/mint"
)

// mintFlags say what is in a token, and who signs it.
type mintFlags struct {
	sub, issuer string
	audience    []string
	claims      []string
	expires     time.Duration
	secretFile  string
	keyFile     string
	keyID       string
}

func tokenCommand(w *world) *cobra.Command {
	var (
		file string
		f    mintFlags
	)
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make a token to connect with, check one, or make keys",
		Long: `Make a token (JWT) for tests, and print it. The secret, the issuer and the
audience are those of the block auth in the config file, unless flags say
otherwise. Where it names public keys, --key names the private one.`,
		Example: `  azuhost token --sub alice
  azuhost token --sub alice --expires 5m --claim role=admin --claim rooms='["a","b"]'
  azuhost token --sub alice --key keys/private.pem --iss me --aud chat
  azuhost token new-key ed25519 keys         make a private key, a public one and a JWKS
  azuhost token --sub alice | azuhost token verify`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := authConfig(w, file)
			if err != nil {
				return err
			}
			return mintToken(w, f, cfg)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.sub, "sub", "", "subject: the user of the connection")
	fs.StringArrayVar(&f.claims, "claim", nil, "another claim, as in role=admin; a value that is JSON is taken as such; may be repeated")
	fs.DurationVar(&f.expires, "expires", time.Hour, "how long it is good; 0: without end, which needs require_expiry: false")
	fs.StringVar(&f.issuer, "iss", "", "issuer (default: auth.issuer)")
	fs.StringSliceVar(&f.audience, "aud", nil, "audience (default: the first of auth.audience)")
	fs.StringVar(&f.secretFile, "secret-file", "", "file with the secret to sign with, for HS256 (default: auth.secret_file or auth.secret)")
	fs.StringVar(&f.keyFile, "key", "", "file with the private key to sign with, PEM, for RS256, ES256 or EdDSA")
	fs.StringVar(&f.keyID, "kid", "", "kid of the header (default: with --key the thumbprint of the key, as in the JWKS of new-key)")
	cmd.PersistentFlags().StringVarP(&file, "config", "c", "", "config file (default: $"+config.EnvFile+", else "+defaultFile+" where it is there)")
	_ = cmd.MarkFlagRequired("sub")
	cmd.MarkFlagsMutuallyExclusive("secret-file", "key")
	for _, name := range []string{"sub", "claim", "expires", "iss", "aud", "kid"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	cmd.AddCommand(tokenVerifyCommand(w, &file), newKeyCommand(w))
	for _, c := range cmd.Commands() {
		c.RunE = failing(c.RunE)
	}
	return cmd
}

// authConfig reads the config file, where there is one. What is wrong with its
// routes does not matter here.
func authConfig(w *world, file string) (*config.Config, error) {
	src := &source{w: w, file: file}
	name, err := src.find()
	if usage := (*usageError)(nil); errors.As(err, &usage) {
		name = "" // there is none
	}
	cfg, err := config.Load(config.Source{File: name, Env: w.env})
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

func mintToken(w *world, f mintFlags, cfg *config.Config) error {
	key, err := signingKey(f, cfg.Auth)
	if err != nil {
		return err
	}
	if f.keyID != "" {
		key.ID = f.keyID
	}
	claims, err := f.build(cfg.Auth, time.Now())
	if err != nil {
		return err
	}
	token, err := key.Sign(claims)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.stdout, token)
	return err
}

// signingKey finds what to sign with: flags first, then the configuration.
func signingKey(f mintFlags, a config.Auth) (*mint.Key, error) {
	switch {
	case f.keyFile != "":
		return keyFrom(f.keyFile, mint.ReadPrivate)
	case f.secretFile != "":
		return keyFrom(f.secretFile, secretOf)
	case a.Secret != "":
		return mint.Secret([]byte(a.Secret))
	case a.SecretFile != "":
		return keyFrom(string(a.SecretFile), secretOf)
	case a.PublicKeyFile != "" || a.JWKSFile != "" || a.JWKSURL != "":
		return nil, errors.New("the configuration has public keys: name the private one with --key")
	}
	return nil, errors.New("nothing to sign with: name a file with --secret-file or --key, or set auth.secret_file in the config file")
}

func secretOf(b []byte) (*mint.Key, error) { return mint.Secret(bytes.TrimSpace(b)) }

func keyFrom(file string, read func([]byte) (*mint.Key, error)) (*mint.Key, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	k, err := read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

// build makes the claims of a token.
func (f mintFlags) build(a config.Auth, now time.Time) (map[string]any, error) {
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

func newKeyCommand(w *world) *cobra.Command {
	return &cobra.Command{
		Use:   "new-key KIND FOLDER",
		Short: "Make keys to sign and verify tokens with",
		Long: `Make keys in a folder, and print what to write in the config file. KIND is
ed25519, es256 or rs256, for private.pem (which signs), public.pem and jwks.json
(which verify), or hs256 for a secret. Files that are there are not replaced.`,
		Example: `  azuhost token new-key ed25519 keys
  azuhost token new-key hs256 keys`,
		Args: cobra.ExactArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return mint.Kinds, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(_ *cobra.Command, args []string) error { return newKey(w, args[0], args[1]) },
	}
}

func newKey(w *world, kind, dir string) error {
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
			if err := create(filepath.Join(dir, name), data); err != nil {
				return err
			}
		}
	}
	key, name := "public_key_file", "public.pem"
	if files["secret"] != nil {
		key, name = "secret_file", "secret"
	}
	_, err = fmt.Fprintf(w.stdout, "auth:\n  %s: %s\n", key, filepath.Join(dir, name))
	return err
}

// create writes a file that is not there yet, and nobody else may read.
func create(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: name another folder, or remove it", name)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
