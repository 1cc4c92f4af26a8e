package admin

import (
	"fmt"
	"net/http"
	"strconv"
)

// maxProfileSeconds is the longest that a profile or a trace runs.
const maxProfileSeconds = 300

// limitSeconds answers 400 if the parameter seconds of a profile is more than maxProfileSeconds, or NaN. Other values
// that are not numbers go to the profile, which uses its default for them.
func limitSeconds(profile http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text := r.FormValue("seconds")
		if s, err := strconv.ParseFloat(text, 64); err == nil && !(s <= maxProfileSeconds) {
			detail := fmt.Sprintf("seconds=%.20s: a profile runs for at most %d seconds", text, maxProfileSeconds)
			http.Error(w, detail, http.StatusBadRequest)
			return
		}
		profile(w, r)
	}
}
