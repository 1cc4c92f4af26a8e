package config

import "strings"

// nearestName returns the name with the least edits from s. ok is false if none of names is similar to s.
func nearestName(s string, names []string) (name string, ok bool) {
	best, bestDist := "", 1+max(1, len(s)/3)
	for _, n := range names {
		if d := distance(strings.ToLower(s), n); d < bestDist {
			best, bestDist = n, d
		}
	}
	return best, best != ""
}

// distance returns the number of edits from a to b (optimal string alignment distance). An edit inserts, removes or
// changes a byte, or swaps two neighbours.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	var before, prev, row [65]int
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev = prev, row
	}
	return prev[len(b)]
}
