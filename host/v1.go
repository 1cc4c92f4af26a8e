package host

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// Protocol is the subprotocol of WebSockets whose clients are told where they
// stand (docs/PROTOCOL.md). Every route speaks it.
const Protocol = "azuhost.v1"

// speaksV1 says whether the client understands control messages.
func (c *conn) speaksV1() bool { return c.subprotocol == Protocol }

// id is the name of a connection outside of its channel and node.
func (c *conn) id() string { return connName(c.rt.host.node, c.member.ID) }

func connName(node string, id uint64) string { return node + "." + strconv.FormatUint(id, 10) }

// parseConnName takes the name of a connection apart.
func parseConnName(name string) (node string, id uint64, err error) {
	i := strings.LastIndexByte(name, '.')
	if i > 0 {
		id, err = strconv.ParseUint(name[i+1:], 10, 64)
	}
	if i <= 0 || err != nil || id == 0 || name[i+1:] != strconv.FormatUint(id, 10) || !nodeName.MatchString(name[:i]) {
		return "", 0, fmt.Errorf("connection %q: want NODE.NUMBER, as connections are listed: %w", name, abi.Invalid)
	}
	return name[:i], id, nil
}

// nodeName is what a node may be called: what a DNS label may be.
var nodeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// newNodeName makes the name of a node: that of the machine, and something of
// chance, since a node that starts again is another one.
func newNodeName() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	machine, _ := os.Hostname()
	machine, _, _ = strings.Cut(strings.ToLower(machine), ".")
	machine = strings.Trim(regexp.MustCompile(`[^a-z0-9-]+`).ReplaceAllString(machine, "-"), "-")
	if len(machine) > 40 {
		machine = strings.TrimRight(machine[:40], "-")
	}
	if machine == "" {
		machine = "node"
	}
	return machine + "-" + hex.EncodeToString(b[:])
}

// welcome is the first control message of a connection.
type welcome struct {
	Type string `json:"type"`
	Conn string `json:"conn"`

	ExpiresAt *int64 `json:"expires_at,omitempty"`
}

func (c *conn) welcome() {
	if c.speaksV1() {
		c.Deliver(hub.AppendControl(nil, welcome{"welcome", c.id(), c.tokenEnd()}))
	}
}
