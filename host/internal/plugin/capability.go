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

// Use is a capability that a module needs for its imports.
type Use struct {
	Name abi.Capability
	// Optional is true if the manifest of the module says that the module runs without the capability.
	Optional bool
	// Imports lists the functions that need the capability, such as "azu.send".
	Imports []string
	// Doc describes the capability.
	Doc string
}

// collectUses groups the imports of a module by capability, and sets info.Uses.
func (v *validator) collectUses(module []byte) {
	m := v.readManifest(module)
	for _, def := range abi.Capabilities {
		u := Use{Name: def.Name, Optional: slices.Contains(m.Optional, def.Name), Doc: def.Doc}
		for _, im := range v.info.Imports {
			if c, ok := im.capability(); ok && c == def.Name {
				u.Imports = append(u.Imports, im.Module+"."+im.Name)
			}
		}
		if len(u.Imports) > 0 {
			v.info.Uses = append(v.info.Uses, u)
		}
	}
}

// capability returns the capability that the import needs. It returns false if the import needs none.
func (im Import) capability() (abi.Capability, bool) {
	if im.Module != abi.Module && im.Module != wasiModule {
		return "", false
	}
	return abi.CapabilityOf(im.Name, im.Module == wasiModule)
}

// readManifest parses the manifest in the custom section of a module. Without the section the manifest is empty.
func (v *validator) readManifest(module []byte) (m abi.Manifest) {
	sections := wasm.Custom(module, abi.ManifestSection)
	if len(sections) == 0 {
		return m
	}
	if len(sections) > 1 {
		v.addProblem("it has %d custom sections %q, and may have one", len(sections), abi.ManifestSection)
	}
	d := json.NewDecoder(bytes.NewReader(sections[0]))
	d.DisallowUnknownFields()
	err := d.Decode(&m)
	if err == nil {
		if _, tail := d.Token(); !errors.Is(tail, io.EOF) {
			err = errors.New("there are bytes after the object")
		}
	}
	if err != nil {
		v.addProblem(`its custom section %q is no manifest, such as {"optional":["store"]}: %v`, abi.ManifestSection, err)
	}
	for _, name := range m.Optional {
		if !name.Known() {
			v.info.addWarning("its manifest names \"%s\", which is no capability of this host", printable(string(name)))
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

// allows returns whether a route's list grants a capability. A nil list grants all.
func allows(allow []abi.Capability, c abi.Capability) bool {
	return allow == nil || slices.Contains(allow, abi.AllCapabilities) || slices.Contains(allow, c)
}

// Denied returns the optional capabilities of the module that allow does not grant: their functions return PERM. The
// error names all other capabilities that the module needs and allow does not grant: a module with such an error does
// not load. A nil allow grants all capabilities.
func (i *Info) Denied(allow []abi.Capability) (without []abi.Capability, err error) {
	var refused, missing []string
	for _, u := range i.Uses {
		switch {
		case allows(allow, u.Name):
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
