package script_test

import (
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// evaluator is a channel that evaluates each message, and answers with the result.
const evaluator = `
import * as azu from "azuhost";
const { room, broadcast, refuse } = azu;
Object.assign(globalThis, azu, { state: 0 });
const show = (v: unknown) => {
  if (v instanceof Uint8Array) return "bytes " + v.join(",");
  if (typeof v === "bigint") return v + "n";
  return JSON.stringify(v) ?? "undefined";
};
export default {
  onLoad(config: unknown) { Object.assign(globalThis, { config }); },
  onConnect(conn: azu.Conn) {
    const status = conn.query("refuse");
    if (status) { conn.send("sorry"); refuse(Number(status)); }
    conn.join(conn.param("room")!);
    if (conn.query("name")) conn.identify(conn.query("name")!);
    conn.set("target", conn.target);
  },
  onMessage(conn: azu.Conn, message: azu.Message) {
    if (typeof message !== "string") return conn.send(message);
    Object.assign(globalThis, { conn });
    const result = (0, eval)(message);
    if (result instanceof Promise) return result.then((v) => conn.send(show(v)));
    conn.send(show(result));
  },
  onClose(conn: azu.Conn, code: number, reason: string) { broadcast("closed " + code + " " + reason); },
  onTimer(name: string, conn?: azu.Conn) { conn ? conn.send("timer " + name) : broadcast("timer of all " + name); },
  onPresence(e: azu.Presence) { if (e.room) room(e.room).broadcast(show(e)); },
  onPublish(to: azu.Target, message: azu.Message) {
    if (to.name === "closed") refuse(409);
    room("lobby").broadcast(typeof message === "string" ? to.kind + " " + to.name + " " + message : message);
  },
} satisfies azu.Channel;
`

var large = strings.Repeat("é", 20_000)

// evaluations are messages to the evaluator, with its answers, in order.
var evaluations = [][2]string{
	{`1 + 1`, `2`},
	{`config`, `{"a":[1]}`},
	{`conn.param("room")`, `"lobby"`},
	{`conn.param("none")`, `undefined`},
	{`conn.user`, `"alü"`},
	{`conn.rooms()`, `["lobby"]`},
	{`conn.get("target")`, `"/c/lobby?name=al%C3%BC"`},
	{`conn.get("none")`, `undefined`},
	{`conn.delete("none")`, `false`},
	{`conn.set("b", new Uint8Array([0, 255])); conn.getBytes("b")`, `bytes 0,255`},
	{`conn.remoteAddr`, `"127.0.0.1"`},
	{`conn.claims()`, `undefined`},
	{`try { conn.query("name") } catch (e) { e.name + " " + e.code + " " + (e instanceof AzuError) }`,
		`"AzuError STATE true"`},
	{`try { conn.join("a\nb") } catch (e) { e.message }`, `"join: INVALID"`},
	{`try { conn.send({}) } catch (e) { e.message.slice(0, 40) }`,
		`"a message is a string, a Uint8Array or a"`},
	{`room("lobby").size`, `1`},
	{`room("lobby").members().map((m) => m.id === conn.id)`, `[true]`},
	{`room("lobby").users()`, `["alü"]`},
	{`users()`, `["alü"]`},
	{`user("alü").online`, `true`},
	{`user("bob").online`, `false`},
	{`store.get("x")`, `undefined`},
	{`store.set("x", "` + large + `"); store.get("x").length`, `20000`},
	{`store.delete("x")`, `true`},
	{`[store.add("n"), store.add("n", -5), store.add("n", 2 ** 53)]`, `[1,-4,9007199254740988]`},
	{`store.set("t", "no number"); try { store.add("t") } catch (e) { e.code }`, `"INVALID"`},
	{`clearTimer("none")`, `false`},
	{`counter("hits").add(1, { kind: "a" })`, `undefined`},
	{`Math.abs(Date.now() - new Date().getTime()) < 1000 && Date.now() > 1.7e12`, `true`},
	{`new Date(0).getTimezoneOffset()`, `0`},
	{`Math.random() === Math.random()`, `false`},
	{`crypto.randomUUID().length`, `36`},
	{`new TextDecoder().decode(new TextEncoder().encode("grün"))`, `"grün"`},
	{`new TextEncoder().encode("ü")`, `bytes 195,188`},
	{`try { setTimeout(() => 0, 1) } catch (e) { e.message }`,
		`"there is no setTimeout in a channel: code runs in hooks only; use setTimer and onTimer"`},
	{`(async () => { await null; await Promise.resolve(); return "later" })()`, `"later"`},
	{`"` + large + large + `".length`, `40000`},
	{`"[".repeat(400).length + JSON.parse("[".repeat(200) + "]".repeat(200)).length`, `401`},
	{`try { JSON.parse("[".repeat(5000)) } catch (e) { e.name + ": " + e.message }`,
		`"RangeError: JSON nests deeper than 200"`},
	{`try { JSON.parse('{"a":'.repeat(201) + "1" + "}".repeat(201)) } catch (e) { e.name }`, `"RangeError"`},
	{`JSON.parse('"' + "[{".repeat(300) + '\\"' + "[{".repeat(300) + '"').length`, `1201`},
	{`JSON.parse(JSON.stringify(Array.from({ length: 300 }, () => [[]])), (k, v) => v).length`, `300`},
	{`conn.set("s", "a\ud83d, \ud83c\udf89, ümläut \udc00!"); conn.get("s")`, `"a�, 🎉, ümläut �!"`},
	{`new TextEncoder().encode("\ud800")`, `bytes 239,191,189`},
	{`try { conn.join(undefined) } catch (e) { e.name + ": " + e.message }`,
		`"TypeError: a string or a Uint8Array is wanted here"`},
	{`try { conn.set("k", { a: 1 }) } catch (e) { e.name }`, `"TypeError"`},
	{`try { conn.set("k", null) } catch (e) { e.name }`, `"TypeError"`},
	{`try { store.add("h", 0.5) } catch (e) { e.message }`, `"store.add: 0.5 is not an integer"`},
	{`try { conn.setTimer("x") } catch (e) { e.message }`, `"setTimer: undefined is not a number of milliseconds"`},
	{`try { store.set("x", "y", { ttl: NaN }) } catch (e) { e.name }`, `"RangeError"`},
	{`try { sendUsers(["al\nbob"], "m") } catch (e) { e.message }`, `"sendUsers: INVALID"`},
	{`try { counter("hits").add(1, { kind: "a\nb=c" }) } catch (e) { e.message }`, `"metric: INVALID"`},
	{`state += 1`, `1`},
	{`throw new Error("no")`, internalError},
	{`state += 1`, `2`},
}

func TestHostFunctions(t *testing.T) {
	s := serve(t, evaluator, func(r *host.Route) {
		r.Config = map[string]any{"a": []int{1}}
		r.Limits.MaxMessage = 1 << 20
	})
	c := s.dial("/c/lobby?name=al%C3%BC")
	if got, want := c.read(), `{"room":"lobby","user":"alü","joined":true}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, e := range evaluations {
		c.ask(e[0], e[1])
	}
	c.send(websocket.MessageBinary, "\x00\xff\x80")
	if got := c.read(); got != "\x00\xff\x80" {
		t.Errorf("binary: got %q", got)
	}
	c.ask(`conn.setTimer("t", 1)`, `undefined`)
	if got := c.read(); got != "timer t" {
		t.Error(got)
	}
	c.ask(`setTimer("u", 1)`, `undefined`)
	if got := c.read(); got != "timer of all u" {
		t.Error(got)
	}
	c.ask(`console.log("seen", { n: 1 }, [2], undefined, 3n); console.warn(new Error("odd").message)`, `undefined`)
	c.ask(`console.table([new Map([[1, new Set([2n])]]), new RangeError("in")])`, `undefined`)
	c.ask(`console.assert(1 > 2, "sum"); console.error(new Error("top", { cause: "below" }))`, `undefined`)
	for _, want := range []string{
		`level=INFO msg="[[[1,[\"2n\"]]],\"RangeError: in\"]"`, `level=ERROR msg="Assertion failed: sum"`, `caused by below"`,
		`level=INFO msg="seen {\"n\":1} [2] undefined 3"`, `level=WARN msg=odd`,
	} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("no %s in\n%s", want, s.log.String())
		}
	}
}

func TestRefusals(t *testing.T) {
	s := serve(t, evaluator, nil)
	_, res, err := websocket.Dial(t.Context(), s.url+"/c/x?refuse=403", nil)
	if err == nil || res.StatusCode != 403 {
		t.Errorf("%v, %v", res, err)
	}
	c := s.dial("/c/x?refuse=3000")
	if got := c.read(); got != "sorry" {
		t.Error(got)
	}
	if _, _, err := c.c.Read(t.Context()); websocket.CloseStatus(err) != 3000 {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	s := serve(t, evaluator, nil)
	a, b := s.dial("/c/x"), s.dial("/c/x")
	a.ask(`room("x").size`, `2`)
	_ = b.c.Close(4000, "bye")
	if got := a.read(); got != "closed 4000 bye" {
		t.Error(got)
	}
	a.send(websocket.MessageText, `conn.send("last"); conn.close(4001, "enough")`)
	if got := a.read(); got != "last" {
		t.Error(got)
	}
}

func TestFailures(t *testing.T) {
	s := serve(t, evaluator, nil)
	c := s.dial("/c/x")
	for code, want := range map[string]string{
		`conn.send("dropped"); (function inner() { throw new TypeError("broken") })()`: "TypeError: broken",
		`(async () => { conn.send("dropped"); await 0; throw new Error("late") })()`:   "Error: late",
		`Promise.reject(new RangeError("nobody")); 1`:                                  "RangeError: nobody",
		`new Promise(() => {})`:    "did not settle",
		`throw "text"`:             "text",
		`throw null`:               "null",
		`conn.join("")`:            "join: INVALID",
		`(function f() { f() })()`: "Maximum call stack size exceeded",
	} {
		c.ask(code, internalError)
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("%s: the log does not have %q:\n%s", code, want, s.log.String())
		}
	}
	c.ask(`Promise.reject(1).catch(() => 0); "caught"`, `"caught"`)
	if strings.Contains(s.log.String(), "instance is replaced") {
		t.Errorf("an exception counted as a fault:\n%s", s.log.String())
	}
}

// TestLatePromises: a promise of an earlier hook that settles late does not change the result of the current hook.
func TestLatePromises(t *testing.T) {
	s := serve(t, evaluator, nil)
	c := s.dial("/c/x")
	c.ask(`new Promise((wake, lose) => { Object.assign(globalThis, { wake, lose }) }).then(() => "old")`, internalError)
	c.ask(`wake(); new Promise(() => {})`, internalError)
	c.ask(`new Promise((wake, lose) => { Object.assign(globalThis, { wake, lose }) })`, internalError)
	c.ask(`lose(new Error("of before")); "new"`, `"new"`)
	if want := "a hook failed after it had ended: Error: of before"; !strings.Contains(s.log.String(), want) {
		t.Errorf("no %q in\n%s", want, s.log.String())
	}
	c.ask(`"and on"`, `"and on"`)
}

// TestAsyncConnect: onConnect can read the request until its promise settles.
func TestAsyncConnect(t *testing.T) {
	s := serve(t, `export default {
  async onConnect(conn) { await null; conn.send(conn.target + " " + conn.query("a")); },
  onMessage(conn) { try { conn.send(conn.target) } catch (e) { conn.send(e.code) } },
}`, nil)
	c := s.dial("/c/x?a=1")
	if got := c.read(); got != "/c/x?a=1 1" {
		t.Error(got)
	}
	c.send(websocket.MessageText, "")
	if got := c.read(); got != "STATE" {
		t.Error(got)
	}
}

// TestScriptsThatDoNotStart checks the errors of scripts that fail outside of hooks.
func TestScriptsThatDoNotStart(t *testing.T) {
	for source, want := range map[string]string{
		`Promise.reject(new Error("floating")); export default { onMessage() {} }`: "Error: floating\n" +
			"    at <anonymous> (plugin.ts:1)",
		`(async () => { await 0; throw 7 })(); export default { onMessage() {} }`: "7",
		`class A { onConnect() {} onMesage() {} } export default new A()`:         "there is no hook onMesage",
		`export default class Game { onMessage() {} }`:                            "export default new Game()",
		`export default {}`: "it exports no hook",
		`import fs from "fs"; export default { onMessage() { fs } }`:          "It is a module of Node: a channel",
		`import x from "no-such-thing"; export default { onMessage() { x } }`: "has to be in node_modules: npm install it",
		`throw new Error("at once")`:                                          "Error: at once",
	} {
		if _, err := buildSource(t, source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngave %v\nwant %s", source, err, want)
		}
	}
	if _, err := buildSource(t, `Promise.reject(1).catch(() => 0); export default { onMessage() {} }`); err != nil {
		t.Errorf("a rejection that is caught: %v", err)
	}
}

func TestStackShowsSources(t *testing.T) {
	s := serve(t, `import type { Conn } from "azuhost";

interface Unused { a: number }

function inner(): never {
  throw new Error("here");
}

export function onMessage(conn: Conn) {
  inner();
}
`, nil)
	s.dial("/c/x").ask("x", internalError)
	log := s.log.String()
	for _, want := range []string{"Error: here", "inner (plugin.ts:6)", "onMessage (plugin.ts:10)"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
	if strings.Contains(log, "azuhost/") || strings.Contains(log, "plugin.js") {
		t.Errorf("the stack trace has positions of the SDK or of the bundle:\n%s", log)
	}
}

func TestPublish(t *testing.T) {
	s := serve(t, evaluator, nil)
	c := s.dial("/c/lobby")
	c.ask(`1`, `1`)
	for _, p := range []host.Publication{
		{Route: "/c/:room", Room: "r\u00e4um", Kind: abi.Text, Data: []byte("a\nb")},
		{Route: "/c/:room", Room: "r", Kind: abi.Binary, Data: []byte("\x00\n\xff")},
	} {
		if _, err := s.host.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.read(); got != "room r\u00e4um a\nb" {
		t.Errorf("text: %q", got)
	}
	if got := c.read(); got != "\x00\n\xff" {
		t.Errorf("binary: %q", got)
	}
	refused := host.Publication{Route: "/c/:room", Room: "closed", Kind: abi.Text}
	if _, err := s.host.Publish(t.Context(), refused); err == nil {
		t.Error("Publish returned no error for a refusal")
	}
}

// TestCapabilities: a script loads on a route with few capabilities, and a call of a forbidden function throws.
func TestCapabilities(t *testing.T) {
	s := serve(t, `import { type Conn, store } from "azuhost";
export function onMessage(conn: Conn, message: string) {
  try { store.set("a", "b"); } catch (e) { conn.send(String(e)); }
}`, func(r *host.Route) { r.Allow = []abi.Capability{"send", "time"} })
	s.dial("/c/x").ask("x", "AzuError: store.set: PERM")
}
