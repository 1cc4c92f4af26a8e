package script

import (
	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

// What QuickJS is bound to. Recursion ends with a RangeError: in memory its
// stack could be larger, but the host counts the depth of calls, too, by frames
// that are large for an interpreter, and a trap would cost the instance. The
// memory limit is the default of a route, less what the module needs for
// itself, so that a script gets an exception and not a trap; where a route
// allows less, growing fails, with the same exception.
const (
	maxStack  = 40 << 10
	maxMemory = 56 << 20
)

// The area is memory of the glue's own, from wasm_malloc: places in it.
const (
	areaArgs    = 0   // of a call of a hook, 4 boxes
	areaReject  = 16  // of a call of reject, 3 boxes
	areaSlots   = 32  // 4 slots of 8: length, and what to free
	areaOut     = 64  // results by pointer
	areaResult  = 96  // an i64 from the host
	areaScratch = 104 // for getters
	scratchSize = 4096
	areaSize    = areaScratch + scratchSize
	inboxSize   = 64 << 10
)

// pending is what handle in sdk/js/start.ts gives for a promise.
const pending = 1

// glue is what is linked to QuickJS.
type glue struct {
	*link.Linker
	natives []string // names that the script knows, in the order of their numbers
	words   words

	script, sourceMap []byte
	hooks             map[string]bool // what to export; nil: none
}

// words are strings that the glue needs in memory, each ended by a zero.
type words struct {
	text []byte
	at   map[string]int
}

func (w *words) place(s string) int32 {
	if at, ok := w.at[s]; ok {
		return int32(at)
	}
	if w.at == nil {
		w.at = map[string]int{}
	}
	at := len(w.text)
	w.at[s] = at
	w.text = append(append(w.text, s...), 0)
	return int32(at)
}

// scriptName is what stacks call the script.
const scriptName = "plugin.js"

// glueGlobals are addresses, and boxes of functions of the script.
var glueGlobals = []string{"area", "inbox", "words", "undefined", "handle", "settle", "reject", "rejected"}

// add adds all functions.
func (g *glue) add() {
	for _, name := range glueGlobals {
		g.Global(name)
	}
	g.addValues()
	g.addOutcome()
	g.addEnvironment()
	g.addNatives()
	g.addStart()
	g.addRun()
	for h, def := range abi.Hooks {
		if g.hooks[def.Name] {
			g.addHook(h, def)
		}
	}
	g.Func("azu_v1", link.Type{Results: "l"}, "", func(c *link.Code) {
		c.GetGlobal("inbox").I64ExtendI32U().I64(32).I64Shl().I64(inboxSize).I64Or()
	})
	g.Export("azu_v1", "azu_v1")
	g.Export("_initialize", "start")
}

// addEnvironment takes the place of what QuickJS wants from JavaScript around
// it.
func (g *glue) addEnvironment() {
	g.Func("env.host_get_timezone_offset", link.Type{Params: "ii", Results: "i"}, "", func(c *link.Code) { c.I32(0) })
	// The host's metering ends what runs too long, native code included.
	g.Func("env.host_interrupt", link.Type{Results: "i"}, "", func(c *link.Code) { c.I32(0) })
	for _, name := range []string{"env.host_module_normalize", "env.host_module_load"} { // scripts are bundled
		g.Func(name, link.Type{Params: "ii", Results: "i"}, "", func(c *link.Code) { c.I32(0) })
	}
	const promise, reason, handled, number, result = 0, 1, 2, 3, 4
	g.Func("env.host_promise_rejection", link.Type{Params: "iii"}, "ii", func(c *link.Code) {
		c.I32(1).SetGlobal("rejected")
		c.GetGlobal("reject").If()
		c.Get(handled).F64ConvertI32S().Call("qjs_new_number").Set(number)
		for i, local := range []int{promise, reason, number} {
			c.GetGlobal("area").Get(local).Store(uint32(areaReject + 4*i))
		}
		c.GetGlobal("reject").GetGlobal("undefined").I32(3).GetGlobal("area").I32(areaReject).I32Add().Call("qjs_call").Set(result)
		c.Get(result).Call("qjs_free_value").Get(number).Call("qjs_free_value")
		c.End()
		c.Get(promise).Call("qjs_free_value").Get(reason).Call("qjs_free_value")
	})
}

// addStart adds what runs once, in a new instance.
func (g *glue) addStart() {
	scriptSegment, mapSegment := g.Data(g.script), g.Data(g.sourceMap)
	file := g.words.place(scriptName)
	for i, name := range g.natives {
		g.words.place(name)
		g.words.place(nativeID(i))
	}
	for _, name := range []string{"handle", "settle", "reject", "stack"} {
		g.words.place(name)
	}
	wordSegment := g.Data(g.words.text)

	const object, box, text, code = 0, 1, 2, 3
	g.Func("start", link.Type{}, "iiii", func(c *link.Code) {
		word := func(s string) { c.GetGlobal("words").I32(g.words.place(s)).I32Add() }
		c.Call("_initialize").Call("qjs_init").If().Trap().End()
		c.I32(maxMemory).Call("qjs_set_memory_limit").I32(maxStack).Call("qjs_set_max_stack_size")
		c.I32(1).Call("qjs_set_promise_rejection_handler")
		c.I32(areaSize).Call("wasm_malloc").SetGlobal("area")
		c.I32(inboxSize).Call("wasm_malloc").SetGlobal("inbox")
		c.I32(int32(len(g.words.text))).Call("wasm_malloc").SetGlobal("words")
		c.GetGlobal("words").I32(0).I32(int32(len(g.words.text))).MemoryInit(wordSegment)
		c.Call("qjs_get_undefined").SetGlobal("undefined")

		// What the script gets: an object with the host functions.
		c.Call("qjs_new_object").Set(object)
		for i, name := range g.natives {
			word(nativeID(i))
			c.I32(int32(len(nativeID(i)))).I32(0).Call("qjs_new_host_function").Set(box)
			c.Get(object)
			word(name)
			c.Get(box).Call("qjs_set_prop_string").Drop()
			c.Get(box).Call("qjs_free_value")
		}
		g.loaded(c, scriptSegment, g.script, text)
		c.Get(text).I32(int32(len(g.script)))
		c.GetGlobal("words").I32(file).I32Add().I32(0).Call("qjs_eval").Set(box)
		c.Get(text).Call("wasm_free")
		c.Get(box).Call("qjs_is_exception").If().Call("failed").Trap().End()
		c.GetGlobal("area").Get(object).Store(areaArgs)
		c.Get(box).GetGlobal("undefined").I32(1).GetGlobal("area").Call("qjs_call").Call("number").Set(code)
		c.Get(box).Call("qjs_free_value")
		c.Call("drain").Get(code).I32Or().GetGlobal("rejected").I32Or().If().Trap().End()
		for _, name := range []string{"handle", "settle", "reject"} {
			c.Get(object)
			word(name)
			c.Call("qjs_get_prop_string").SetGlobal(name)
		}
		c.Get(object).Call("qjs_free_value")
	})
	g.Func("native.source_map", link.Type{Params: "i", Results: "i"}, "ii", func(c *link.Code) {
		const text, result = 1, 2
		g.loaded(c, mapSegment, g.sourceMap, text)
		c.Get(text).I32(int32(len(g.sourceMap))).Call("qjs_new_string").Set(result)
		c.Get(text).Call("wasm_free").Get(result)
	})
}

// loaded copies a segment to new memory, with a zero behind it.
func (g *glue) loaded(c *link.Code, segment uint32, data []byte, local int) {
	size := int32(len(data))
	c.I32(size + 1).Call("wasm_malloc").Tee(local).I32Eqz().If().Trap().End()
	c.Get(local).I32(0).I32(size).MemoryInit(segment)
	c.Get(local).I32(size).I32Add().I32(0).Store8(0)
}

// addOutcome adds what becomes of a call: numbers, exceptions, jobs.
func (g *glue) addOutcome() {
	// failed says what exception there is, and gives the answer of the hook.
	// Handlers catch what can be caught: here is what can not, and what is
	// thrown while the script starts.
	const exception, text, stack = 0, 1, 2
	g.Func("failed", link.Type{Results: "i"}, "iii", func(c *link.Code) {
		c.Call("qjs_get_exception").Tee(exception)
		c.GetGlobal("area").I32(areaOut).I32Add().Call("qjs_get_string_len").Tee(text).I32Eqz().If().Trap().End()
		c.Get(text).GetGlobal("area").Load(areaOut).Call("azu.fail").Drop()
		c.GetGlobal("handle").I32Eqz().If()
		c.I32(int32(abi.Error)).Get(text).GetGlobal("area").Load(areaOut).Call("azu.log").Drop()
		c.Get(exception).Call("qjs_is_error").If()
		c.Get(text).Call("qjs_free_cstring")
		c.Get(exception).GetGlobal("words").I32(g.words.place("stack")).I32Add().Call("qjs_get_prop_string").Tee(stack)
		c.GetGlobal("area").I32(areaOut).I32Add().Call("qjs_get_string_len").Tee(text).I32Eqz().If().Trap().End()
		c.I32(int32(abi.Error)).Get(text).GetGlobal("area").Load(areaOut).Call("azu.log").Drop()
		c.Get(stack).Call("qjs_free_value").End()
		c.End()
		c.Get(text).Call("qjs_free_cstring").Get(exception).Call("qjs_free_value")
		c.I32(int32(abi.Failed))
	})
	// number takes the result of a call.
	const box, code = 0, 1
	g.Func("number", link.Type{Params: "i", Results: "i"}, "i", func(c *link.Code) {
		c.Get(box).Call("qjs_is_exception").If()
		c.Get(box).Call("qjs_free_value").Call("failed").Return()
		c.End()
		c.Get(box).Call("qjs_get_float64").I32TruncSatF64S().Set(code)
		c.Get(box).Call("qjs_free_value").Get(code)
	})
	// drain runs jobs, which is where promises go on, until there are none.
	g.Func("drain", link.Type{Results: "i"}, "i", func(c *link.Code) {
		const result = 0
		c.Loop().Call("qjs_is_job_pending").If()
		c.Call("qjs_execute_pending_job").I32(0).I32LtS().If().Call("failed").Set(result).End()
		c.Br(1).End().End()
		c.Get(result)
	})
}

// addRun adds what runs a hook: the event becomes values, and handle of the
// script is called with them.
func (g *glue) addRun() {
	const hook, conn, length, arg, binary, text, code, drained = 0, 1, 2, 3, 4, 5, 6, 7
	g.Func("run", link.Type{Params: "iliii", Results: "i"}, "iii", func(c *link.Code) {
		store := func(i int, emit func()) {
			c.GetGlobal("area")
			emit()
			c.Store(uint32(areaArgs + 4*i))
		}
		c.GetGlobal("inbox").Set(text)
		c.Get(length).I32(inboxSize).I32GtU().If()
		c.Get(length).Call("wasm_malloc").Tee(text).I32Eqz().If().I32(int32(abi.Limit)).Return().End()
		c.Get(text).I32(0).Get(length).Call("azu.read").Drop()
		c.End()
		store(0, func() { c.Get(hook).F64ConvertI32S().Call("qjs_new_number") })
		store(1, func() { c.Get(conn).Call("integer") })
		c.Get(binary).If()
		store(2, func() { c.Get(text).Get(length).Call("qjs_new_uint8_array") })
		c.Else()
		store(2, func() { c.Get(text).Get(length).Call("qjs_new_string") })
		c.End()
		store(3, func() { c.Get(arg).F64ConvertI32S().Call("qjs_new_number") })
		c.Get(length).I32(inboxSize).I32GtU().If().Get(text).Call("wasm_free").End()
		c.GetGlobal("handle").GetGlobal("undefined").I32(4).GetGlobal("area").Call("qjs_call").Call("number").Set(code)
		for i := range 4 {
			c.GetGlobal("area").Load(uint32(areaArgs + 4*i)).Call("qjs_free_value")
		}
		c.Call("drain").Tee(drained).If().Get(drained).Set(code).End()
		c.GetGlobal("rejected").Get(code).I32(pending).I32Eq().I32Or().If()
		c.I32(0).SetGlobal("rejected")
		store(0, func() { c.Get(code).F64ConvertI32S().Call("qjs_new_number") })
		c.GetGlobal("settle").GetGlobal("undefined").I32(1).GetGlobal("area").Call("qjs_call").Call("number").Set(code)
		c.GetGlobal("area").Load(areaArgs).Call("qjs_free_value")
		c.End()
		c.Get(code)
	})
}

// addHook adds the export of a hook.
func (g *glue) addHook(number int, def abi.HookDef) {
	t := link.Type{Params: letters(def.Params), Results: "i"}
	g.Func(def.Name, t, "", func(c *link.Code) {
		conn, length, arg, kind := -1, -1, -1, -1
		for i, p := range def.Params {
			switch {
			case p.Type == abi.I64:
				conn = i
			case p.Name == "len":
				length = i
			default:
				arg = i
				if p.Name == "kind" {
					kind = i
				}
			}
		}
		c.I32(int32(number))
		if conn >= 0 {
			c.Get(conn)
		} else {
			c.I64(0)
		}
		c.Get(length)
		if arg >= 0 {
			c.Get(arg)
		} else {
			c.I32(0)
		}
		switch {
		case kind >= 0:
			c.Get(kind).I32(int32(abi.Binary)).I32Eq()
		case abi.Hook(number) == abi.OnPing || abi.Hook(number) == abi.OnPong:
			c.I32(1)
		default:
			c.I32(0)
		}
		c.Call("run")
	})
	g.Export(def.Name, def.Name)
}

// letters is a list of parameters as link has them.
func letters(params []abi.Param) string {
	var out []byte
	for _, p := range params {
		out = append(out, map[abi.ValType]byte{abi.I32: 'i', abi.I64: 'l', abi.F64: 'd'}[p.Type])
	}
	return string(out)
}
