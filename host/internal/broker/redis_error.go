package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"

	"github.com/redis/rueidis"
)

// configError is an error that waiting does not fix: the configuration of the broker or of Redis
// has to change.
type configError struct {
	err error
	fix string
}

func (e *configError) Error() string { return e.err.Error() + ": " + e.fix }
func (e *configError) Unwrap() error { return e.err }

// explainError returns err, as a configError with the fix if it is one.
func explainError(err error) error {
	var re *rueidis.RedisError
	var cert *tls.CertificateVerificationError
	fix := ""
	switch {
	case errors.As(err, &cert):
		fix = "its certificate is not trusted; name the file of its authority in broker.ca"
		if host := (x509.HostnameError{}); errors.As(err, &host) {
			fix = "its certificate is for other names; use one of those in broker.url"
		}
	case !errors.As(err, &re):
		return err
	case strings.HasPrefix(re.Error(), "WRONGPASS"):
		fix = "check the user and the password in broker.url; characters like @ : / in them are written as %40 %3A %2F"
	case strings.HasPrefix(re.Error(), "NOAUTH"):
		// The text of Redis is about the HELLO command here.
		err, fix = errors.New("a password is required"), "put it in broker.url, as in redis://:password@host:port"
	case strings.HasPrefix(re.Error(), "NOPERM"):
		fix = "the user in broker.url may not do that; docs/CLUSTER.md lists the rights it needs"
	case strings.Contains(re.Error(), "DB index is out of range"),
		strings.Contains(re.Error(), "SELECT is not allowed in cluster mode"):
		fix = "use another database number in broker.url, or none"
	default:
		return err
	}
	return &configError{err, fix}
}

// errUnexpected is an answer of Redis that has another form than its command promises.
var errUnexpected = errors.New("unexpected answer")

// Codes of errors that end by themselves.
var (
	// linkBreakingCodes mean that the link has to be established again, perhaps with another server.
	linkBreakingCodes = []string{"MOVED", "ASK", "READONLY", "LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "BUSY"}
	// writeBlockingCodes mean that Redis refuses writes: too few replicas, no memory, no disk.
	writeBlockingCodes = []string{"NOREPLICAS", "OOM", "MISCONF"}
)

// errorCode returns the code of a Redis error, which is its first word. Redis 6 reports an error
// inside a script as:
//
//	ERR Error running script (call to f_…): @user_script:1: @user_script: 1: -READONLY You can't …
func errorCode(text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return ""
	}
	if words[0] == "ERR" && strings.Contains(text, "@user_script") {
		for _, w := range words {
			code := strings.TrimPrefix(w, "-")
			if slices.Contains(linkBreakingCodes, code) || slices.Contains(writeBlockingCodes, code) {
				return code
			}
		}
	}
	return words[0]
}

// breaksLink reports whether the link has to be established again because of an error.
func breaksLink(e *rueidis.RedisError) bool {
	return slices.Contains(linkBreakingCodes, errorCode(e.Error()))
}

// blocksWrites reports whether an error means that Redis refuses all writes for a while.
func blocksWrites(e *rueidis.RedisError) bool {
	return slices.Contains(writeBlockingCodes, errorCode(e.Error()))
}
