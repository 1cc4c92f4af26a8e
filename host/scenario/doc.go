// Package scenario tests a plugin with a script that people can read: clients
// connect, send, and receive what the script says, and time passes when it says
// so. The host is the real one, with its limits; its network is memory, and its
// clock stands still until the script waits.
//
//	alice connects /chat?name=alice
//	alice sends {"type":"subscribe","room":"general"}
//	alice receives {"type":"subscribed","users":["alice"],...}
//	wait 15s
//	alice receives nothing
//
// docs/TESTING.md has all lines. The command azuhost test plays such files; in
// go test [Test] does:
//
//	func TestChat(t *testing.T) {
//		scenario.Test(t, scenario.Options{Route: host.Route{Plugin: "chat.wasm"}}, "chat.scenario")
//	}
//
// play.go runs a script, line.go reads its lines, match.go compares messages;
// network.go and clock.go are what the host is given in place of the world.
package scenario
