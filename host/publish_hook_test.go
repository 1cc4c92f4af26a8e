package host

import (
	"bytes"
	"testing"

	"github.com/azuhost/azuhost/host/internal/naming"
)

// FuzzOnPublish checks that splitPublish returns what appendEvent encoded.
func FuzzOnPublish(f *testing.F) {
	f.Add("room", "", []byte("x\ny"))
	f.Add("", "user", []byte{})
	f.Add("", "", []byte("\n\n"))
	f.Fuzz(func(t *testing.T, room, user string, data []byte) {
		to := Target{Room: room, User: user}
		if room != "" && (user != "" || !naming.Valid(room)) || user != "" && !naming.Valid(user) {
			return
		}
		got, rest := splitPublish(to.appendEvent(nil, data))
		if got != to || !bytes.Equal(rest, data) {
			t.Errorf("%+v %q is decoded as %+v %q", to, data, got, rest)
		}
	})
}
