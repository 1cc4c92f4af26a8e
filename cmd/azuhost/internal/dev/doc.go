// Package dev implements the parts of azuhost dev that azuhost serve does not have. Builder builds plugins when their
// sources change, Console writes the log for people, and Events sends it to the playground.
package dev
