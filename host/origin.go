package host

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/azuhost/azuhost/host/internal/origin"
)

// HostAllowed reports whether the Host header of r matches Options.AllowedHosts. It is for pages that a program
// serves beside the host.
func (h *Host) HostAllowed(r *http.Request) bool {
	return origin.HostAllowed(r, h.config.Load().AllowedHosts)
}

// CheckAllowedHost returns an error if an entry of Options.AllowedHosts can never match. The error says what to write
// instead.
func CheckAllowedHost(pattern string) error { return origin.CheckHost(pattern) }

// CheckAllowedOrigin returns an error if an entry of Options.AllowedOrigins or Route.AllowedOrigins can never match
// what browsers send. The error says what to write instead.
func CheckAllowedOrigin(pattern string) error { return origin.Check(pattern) }

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
