package host

import (
	"errors"
	"fmt"

	"github.com/azuhost/azuhost/host/internal/clientip"
	"github.com/azuhost/azuhost/host/internal/origin"
)

// CheckAllowedHost returns an error if an entry of Options.AllowedHosts can never match. The error says what to write
// instead.
func CheckAllowedHost(pattern string) error { return origin.CheckHost(pattern) }

// CheckAllowedOrigin returns an error if an entry of Options.AllowedOrigins or Route.AllowedOrigins can never match
// what browsers send. The error says what to write instead.
func CheckAllowedOrigin(pattern string) error { return origin.Check(pattern) }

// CheckTrustedProxy returns an error if an entry of Options.TrustedProxies is neither a network nor an address.
func CheckTrustedProxy(text string) error {
	_, err := clientip.ParseNetwork(text)
	return err
}

// checkEach applies check to each entry of a list and prefixes the errors with the name of the list.
func checkEach(name string, list []string, check func(string) error) error {
	var errs []error
	for _, entry := range list {
		if err := check(entry); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
