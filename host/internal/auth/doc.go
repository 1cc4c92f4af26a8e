// Package auth verifies tokens: JSON Web Tokens (RFC 7519) in the compact form of JWS (RFC 7515), by the rules of
// RFC 8725. It knows tokens, keys and the parts of a request that carry a token. It knows no channels and no sockets.
//
//   - request.go finds the token of a request, and removes it
//   - verify.go verifies a token: algorithm, key, signature
//   - claims.go checks the claims: subject, times, issuer, audience
//   - key.go reads keys, and jwks.go sets of keys
//   - remote.go keeps a set of keys that fetch.go fetches from a URL
package auth
