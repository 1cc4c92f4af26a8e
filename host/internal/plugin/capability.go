package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wasm"
)

// Use is a capability that a module asks for.
type Use struct {
	Name abi.Capability `json:"name"`
	// Optional: the module says that it can live without.
	Optional bool `json:"optional,omitempty"`
	// Imports need the capability, as in "azu.send".
	Imports []string `json:"imports"`
	Doc     string   `json:"doc"`
}

// uses groups the imports of a module by capability.
func (c *checker) uses(module []byte) {
	m := c.manifest(module)
	for _, def := range abi.Capabilities {
		u := Use{Name: def.Name, Optional: slices.Contains(m.Optional, def.Name), Doc: def.Doc}
		for _, im := range c.info.Imports {
			if of, ok := im.capability(); ok && of == def.Name {
				u.Imports = append(u.Imports, im.Module+"."+im.Name)
			}
		}
		if len(u.Imports) > 0 {
			c.info.Uses = append(c.info.Uses, u)
		}
	}
}

func (im Import) capability() (abi.Capability, bool) {
	if im.Module != abi.Module && im.Module != wasiModule {
		return "", false
	}
	return abi.CapabilityOf(im.Name, im.Module == wasiModule)
}

// manifest reads what the module says about itself.
func (c *checker) manifest(module []byte) (m abi.Manifest) {
	sections := wasm.Custom(module, abi.ManifestSection)
	if len(sections) == 0 {
		return m
	}
	if len(sections) > 1 {
		c.problem("it has %d custom sections %q: one is the most", len(sections), abi.ManifestSection)
	}
	d := json.NewDecoder(bytes.NewReader(sections[0]))
	d.DisallowUnknownFields()
	err := d.Decode(&m)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something behind the object")
		}
	}
	if err != nil {
		c.problem(`its custom section %q is no manifest, as in {"optional":["store"]}: %v`, abi.ManifestSection, err)
	}
	for _, name := range m.Optional {
		if !name.Known() {
			c.info.warn("its manifest names \"%s\", which is no capability of this host", shown(string(name)))
		}
	}
	if slices.Contains(m.Optional, abi.AllCapabilities) {
		m.Optional = nil
		for _, def := range abi.Capabilities {
			m.Optional = append(m.Optional, def.Name)
		}
	}
	return m
}

// Allows says whether a route's list grants a capability. nil grants all.
func Allows(allow []abi.Capability, c abi.Capability) bool {
	return allow == nil || slices.Contains(allow, abi.AllCapabilities) || slices.Contains(allow, c)
}

// Denied says what a module would not get where only some capabilities are
// allowed. without are those that it can live without: their functions answer
// PERM. The error names all others; with one the module is refused.
func (i *Info) Denied(allow []abi.Capability) (without []abi.Capability, err error) {
	var refused, missing []string
	for _, u := range i.Uses {
		switch {
		case Allows(allow, u.Name):
		case u.Optional:
			without = append(without, u.Name)
		default:
			refused = append(refused, fmt.Sprintf("%s (capability %s)", strings.Join(u.Imports, ", "), u.Name))
			missing = append(missing, string(u.Name))
		}
	}
	if len(refused) > 0 {
		err = fmt.Errorf("the route does not allow what it imports: %s: add %s to allow, or build the module without",
			strings.Join(refused, "; "), strings.Join(missing, ", "))
	}
	return without, err
}
