package host

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
)

// nodeName matches the name of a node, which is a DNS label in lower case
// (RFC 1035, section 2.3.1, with a leading digit as RFC 1123 allows).
var nodeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// notInNodeName matches the characters that a node's name cannot have.
var notInNodeName = regexp.MustCompile(`[^a-z0-9-]+`)

// newNodeName returns the machine's name with a random suffix. A node that starts
// again has another name, as it is another member of the cluster.
func newNodeName() string {
	const maxMachine = 40 // bytes, which leaves room for the suffix
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	machine, _ := os.Hostname()
	machine, _, _ = strings.Cut(strings.ToLower(machine), ".")
	machine = strings.Trim(notInNodeName.ReplaceAllString(machine, "-"), "-")
	if len(machine) > maxMachine {
		machine = strings.TrimRight(machine[:maxMachine], "-")
	}
	if machine == "" {
		machine = "node"
	}
	return machine + "-" + hex.EncodeToString(b[:])
}
