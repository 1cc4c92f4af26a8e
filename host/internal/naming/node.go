package naming

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
)

// node matches a DNS label in lower case (RFC 1035, section 2.3.1, with a leading
// digit as RFC 1123, section 2.1, allows).
var node = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// notInNode matches the characters that the name of a node cannot have.
var notInNode = regexp.MustCompile(`[^a-z0-9-]+`)

// ValidNode reports whether s can name a node: a DNS label in lower case.
func ValidNode(s string) bool { return node.MatchString(s) }

// NewNode returns the name of the machine with a random suffix. A node that starts
// again has another name, as it is another member of the cluster.
func NewNode() string {
	const maxMachine = 40 // bytes, which leaves room for the suffix
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	machine, _ := os.Hostname()
	machine, _, _ = strings.Cut(strings.ToLower(machine), ".")
	machine = strings.Trim(notInNode.ReplaceAllString(machine, "-"), "-")
	if len(machine) > maxMachine {
		machine = strings.TrimRight(machine[:maxMachine], "-")
	}
	if machine == "" {
		machine = "node"
	}
	return machine + "-" + hex.EncodeToString(b[:])
}
