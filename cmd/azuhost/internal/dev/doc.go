// Package dev is what azuhost dev does beside serving: it builds plugins when
// their sources change (builder.go), writes the log for people (console.go),
// and tells the playground what happens (events.go).
package dev
