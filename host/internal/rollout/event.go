package rollout

import "time"

// Kind is the kind of an Event.
type Kind int

// Kinds of events, with the fields that they set. Those about a trial set Hooks and Faults, too.
const (
	Installed      Kind = iota // Version is current, in place of From (empty: none); Took is the time of the load
	Loaded                     // the file was loaded, and its version was not current before
	Unchanged                  // the file was loaded, and its version was current before
	LoadFailed                 // the file was not loaded
	Refused                    // the file was not loaded, because Version was rolled back before
	LastGoodLoaded             // Version, the last good one, was loaded in place of the file; Err says why
	Passed                     // Version has passed its trial
	RolledBack                 // From has failed its trial, and Version replaced it within Took
	RollbackFailed             // From has failed its trial and runs on: the last good version failed with Err
	Reverted                   // RollBack has made Version current
)

// Event reports what a Controller has done. Kind says which of the other fields are set.
type Event struct {
	Kind          Kind
	Version, From string // ids
	Took          time.Duration
	Hooks, Faults int // of the trial
	Err           error
}
