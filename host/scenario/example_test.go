package scenario_test

import (
	"context"
	"fmt"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/scenario"
)

// A script plays clients against a plugin.
func ExampleScript_Play() {
	script, err := scenario.Parse("echo.scenario", `
ann connects /echo
ann sends hello
ann receives hello
wait 1m
ann receives nothing
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	o := scenario.Options{Route: host.Route{Path: "/echo", Plugin: "../../testplugins/echo.wasm"}}
	fmt.Println(script.Play(context.Background(), o))
	// Output: <nil>
}
