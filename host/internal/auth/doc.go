// Package auth verifies tokens: JSON Web Tokens (RFC 7519) in the compact form
// of JWS (RFC 7515), by the rules of RFC 8725. It knows tokens, keys and where a
// request may carry a token; it knows no channels and no sockets.
//
//   - find.go finds the token of a request, and takes it out
//   - verify.go checks a token: algorithm, key, signature
//   - claims.go checks what it says: subject, times, issuer, audience
//   - key.go reads keys, jwks.go sets of them, remote.go keeps a set that
//     fetch.go gets from a URL
package auth
