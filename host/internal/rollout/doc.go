// Package rollout decides which version of a plugin runs. It reads module files and watches them for changes,
// evaluates the first hooks of a new version, rolls back to the last good version when it fails, and keeps that
// version in a folder across restarts.
//
// A version is a module with certain bytes. Its id is that of package plugin.
package rollout
