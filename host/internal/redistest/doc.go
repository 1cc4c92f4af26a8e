// Package redistest runs real Redis servers for tests: alone, as a Redis Cluster or with a sentinel.
// Its proxies cut and slow the connections to a server.
package redistest
