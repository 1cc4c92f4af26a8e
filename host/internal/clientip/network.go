package clientip

import (
	"fmt"
	"net/netip"
)

// ParseNetworks parses each text by ParseNetwork. It stops at the first error.
func ParseNetworks(texts []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range texts {
		p, err := ParseNetwork(text)
		if err != nil {
			return nil, err
		}
		networks = append(networks, p)
	}
	return networks, nil
}

// ParseNetwork parses a network in CIDR notation, or an address as the network of this one address. An IPv4 network
// mapped into IPv6 becomes an IPv4 network, because FromRequest compares unmapped addresses.
func ParseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf(`%q is neither a network, as in "10.0.0.0/8", nor an address`, text)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("%q is larger than IPv4 is in IPv6: write 0.0.0.0/0 for all of IPv4", text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}
