// Package scenario tests a plugin with a script in plain words: clients
// connect, send and receive messages, and time passes when the script says so.
// The host is the real one, with its limits. Its network is in memory, and its
// clock stands still until the script waits.
//
//	alice connects /chat?name=alice
//	alice sends {"type":"subscribe","room":"general"}
//	alice receives {"type":"subscribed","users":["alice"],...}
//	wait 15s
//	alice receives nothing
//
// docs/TESTING.md describes all lines. The command azuhost test plays such
// files. In go test, [Test] plays them:
//
//	func TestChat(t *testing.T) {
//		scenario.Test(t, scenario.Options{Route: host.Route{Plugin: "chat.wasm"}}, "chat.scenario")
//	}
//
//	parse.go       reads scripts
//	play.go        plays scripts
//	client.go      the clients of a script
//	match.go       compares messages with patterns
//	log.go         the host's log, and the failures of hooks in it
//	simulation.go  the network and the clock of the host, and when it is idle
//	network.go     connections in memory
//	clock.go       simulated time
package scenario
