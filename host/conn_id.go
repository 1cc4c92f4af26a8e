package host

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/naming"
)

// id returns the id of the connection in its cluster.
func (c *conn) id() string { return clusterConnID(c.rt.host.node, c.member.ID) }

// clusterConnID returns the id in a cluster of a connection to a node.
func clusterConnID(node string, id ConnID) string { return node + "." + strconv.FormatUint(id, 10) }

// parseClusterConnID splits an id that clusterConnID has made. The error wraps
// abi.Invalid.
func parseClusterConnID(s string) (node string, id ConnID, err error) {
	i := strings.LastIndexByte(s, '.')
	if i > 0 {
		id, err = strconv.ParseUint(s[i+1:], 10, 64)
	}
	if i <= 0 || err != nil || id == 0 || s[i+1:] != strconv.FormatUint(id, 10) || !naming.ValidNode(s[:i]) {
		return "", 0, fmt.Errorf("connection %q: want NODE.NUMBER, as connections are listed: %w", s, abi.Invalid)
	}
	return s[:i], id, nil
}
