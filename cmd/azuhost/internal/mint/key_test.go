package mint

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
)

// TestHostVerifies: the host accepts the tokens of each kind of key with each of its files, and no tokens of other
// keys.
func TestHostVerifies(t *testing.T) {
	claims := map[string]any{"sub": "alice", "exp": time.Now().Add(time.Minute).Unix()}
	for _, kind := range Kinds {
		t.Run(kind, func(t *testing.T) {
			k, err := New(kind)
			if err != nil {
				t.Fatal(err)
			}
			files, err := k.Files()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for name, data := range files {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if p := files["private.pem"]; p != nil {
				again, err := ReadPrivate(p)
				if err != nil || again.ID != k.ID || k.ID == "" {
					t.Fatalf("read again: %v, kid %q", err, k.ID)
				}
				k = again
			}
			token, err := k.Sign(claims)
			if err != nil {
				t.Fatal(err)
			}
			for name, a := range map[string]host.Auth{
				"secret":     {SecretFile: filepath.Join(dir, "secret")},
				"public.pem": {PublicKeyFile: filepath.Join(dir, "public.pem")},
				"jwks.json":  {JWKSFile: filepath.Join(dir, "jwks.json")},
			} {
				if files[name] == nil {
					continue
				}
				if info, err := host.VerifyToken(t.Context(), a, token); err != nil || info.User != "alice" {
					t.Errorf("%s: %+v, %v", name, info, err)
				}
				other, _ := New(kind)
				other.ID = k.ID
				forged, _ := other.Sign(claims)
				if _, err := host.VerifyToken(t.Context(), a, forged); err == nil {
					t.Errorf("%s: the token of another key is accepted", name)
				}
			}
		})
	}
}

func TestReadPrivateRefuses(t *testing.T) {
	k, _ := New("ed25519")
	files, _ := k.Files()
	for text, want := range map[string]string{
		"":                          "no PEM block",
		string(files["public.pem"]): "PUBLIC KEY",
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}})): "asn1",
	} {
		if _, err := ReadPrivate([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	if _, err := Secret([]byte("short")); err == nil {
		t.Error("a short secret is accepted")
	}
	if _, err := New("md5"); err == nil {
		t.Error("an unknown kind is accepted")
	}
}
