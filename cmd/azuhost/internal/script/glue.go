package script

import (
	"slices"

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
	areaArgs    = 0   // of a call of the script, 3 values
	areaReject  = 24  // of a call of reject, 3 boxes
	areaSlots   = 40  // 4 slots of 8: length, and what to free
	areaOut     = 72  // results by pointer
	areaResult  = 104 // an i64 from the host, or a value
	areaScratch = 112 // for getters
	scratchSize = 4096
	areaSize    = areaScratch + scratchSize
	inboxSize   = 64 << 10
)

// pending is what returned in sdk/js/start.ts gives for a promise.
const pending = 1

// Values of QuickJS are i64: the upper half is a tag, unless it is a part of a
// double. A small integer's tag is 0.
const (
	undefined    = 3 << 32
	tagException = 6
)

// callable are functions of the script, beside hooks, that the glue calls.
var callable = []string{"thrown", "returned", "settle", "reject"}

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
var glueGlobals = []string{"context", "area", "inbox", "words", "undefined", "rejected", "natives"}

// add adds all functions.
func (g *glue) add() {
	for _, name := range slices.Concat(glueGlobals, callable) {
		g.Global(name)
	}
	for _, def := range abi.Hooks {
		if g.hooks[def.Name] {
			g.Global(def.Name)
		}
	}
	g.addValues()
	g.addOutcome()
	g.addEnvironment()
	g.addNatives()
	g.addStart()
	g.addRun()
	for h, def := range abi.Hooks {
		if g.hooks[def.Name] {
			g.addHook(abi.Hook(h), def)
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
	// Natives are functions in C, as QuickJS sees it, and not called by this.
	g.Func("env.host_call", link.Type{Params: "iiiii", Results: "i"}, "", func(c *link.Code) { c.Trap() })
	const promise, reason, handled, number, result = 0, 1, 2, 3, 4
	g.Func("env.host_promise_rejection", link.Type{Params: "iii"}, "ii", func(c *link.Code) {
		c.I32(1).SetGlobal("rejected")
		c.GetGlobal("reject").I32Eqz().If() // the script itself runs
		c.GetGlobal("natives").GetGlobal("words").I32(g.words.place("reject")).I32Add().Call("qjs_get_prop_string").SetGlobal("reject")
		c.End()
		c.Get(handled).F64ConvertI32S().Call("qjs_new_number").Set(number)
		for i, local := range []int{promise, reason, number} {
			c.GetGlobal("area").Get(local).Store(uint32(areaReject + 4*i))
		}
		c.GetGlobal("reject").GetGlobal("undefined").I32(3).GetGlobal("area").I32(areaReject).I32Add().Call("qjs_call").Set(result)
		c.Get(result).Call("qjs_free_value").Get(number).Call("qjs_free_value")
		c.Get(promise).Call("qjs_free_value").Get(reason).Call("qjs_free_value")
	})
}

// addStart adds what runs once, in a new instance.
func (g *glue) addStart() {
	scriptSegment, mapSegment := g.Data(g.script), g.Data(g.sourceMap)
	file := g.words.place(scriptName)
	for _, name := range g.natives {
		g.words.place(name)
	}
	fetched := slices.Clone(callable)
	for _, def := range abi.Hooks {
		if g.hooks[def.Name] {
			fetched = append(fetched, def.Name)
		}
	}
	for _, text := range append(fetched, "stack", noBytes) {
		g.words.place(text)
	}
	native := g.Slot("native")
	wordSegment := g.Data(g.words.text)

	const object, box, text, code, value = 0, 1, 2, 3, 4
	g.Func("start", link.Type{}, "iiiil", func(c *link.Code) {
		word := func(s string) { c.GetGlobal("words").I32(g.words.place(s)).I32Add() }
		c.Call("_initialize").Call("qjs_init").If().Trap().End()
		c.Call("qjs_get_context_ptr").SetGlobal("context")
		c.I32(maxMemory).Call("qjs_set_memory_limit").I32(maxStack).Call("qjs_set_max_stack_size")
		c.I32(1).Call("qjs_set_promise_rejection_handler")
		c.I32(areaSize).Call("wasm_malloc").SetGlobal("area")
		c.I32(inboxSize).Call("wasm_malloc").SetGlobal("inbox")
		c.I32(int32(len(g.words.text))).Call("wasm_malloc").SetGlobal("words")
		c.GetGlobal("words").I32(0).I32(int32(len(g.words.text))).MemoryInit(wordSegment)
		c.Call("qjs_get_undefined").SetGlobal("undefined")

		// What the script gets: an object with the host functions.
		c.Call("qjs_new_object").Tee(object).SetGlobal("natives")
		for i, name := range g.natives {
			c.GetGlobal("area").GetGlobal("context").I32(native)
			word(name)
			c.I32(int32(length(name))).I32(genericMagic).I32(int32(i)).Call("JS_NewCFunction2").Tee(value).StoreI64(areaResult)
			c.Get(object)
			word(name)
			c.GetGlobal("area").I32(areaResult).I32Add().Call("qjs_set_prop_string").Drop()
			c.GetGlobal("context").Get(value).Call("JS_FreeValue")
		}
		g.loaded(c, scriptSegment, g.script, text)
		c.Get(text).I32(int32(len(g.script)))
		c.GetGlobal("words").I32(file).I32Add().I32(0).Call("qjs_eval").Set(box)
		c.Get(text).Call("wasm_free")
		c.Get(box).Call("qjs_is_exception").If().Call("failed").Trap().End()
		c.GetGlobal("area").Get(object).LoadI64(0).StoreI64(areaArgs)
		c.Get(box).I32(1).Call("invoke").Set(code)
		c.Get(box).Call("qjs_free_value")
		c.Call("drain").Get(code).I32Or().If().Trap().End()
		for _, name := range fetched {
			c.Get(object)
			word(name)
			c.Call("qjs_get_prop_string").SetGlobal(name)
		}
		c.GetGlobal("rejected").If()
		c.I32(0).SetGlobal("rejected")
		c.GetGlobal("area").I64(0).StoreI64(areaArgs).GetGlobal("area").I64(1).StoreI64(areaArgs + 8)
		c.GetGlobal("settle").I32(2).Call("invoke").If().Trap().End()
		c.End()
		c.Get(object).Call("qjs_free_value")
	})
	g.Func("native.source_map", nativeType, "il", func(c *link.Code) {
		const text, result = 1, 2
		g.loaded(c, mapSegment, g.sourceMap, text)
		c.GetGlobal("context").Get(text).I32(int32(len(g.sourceMap))).Call("JS_NewStringLen").Set(result)
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
		c.GetGlobal("thrown").I32Eqz().If()
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
	// invoke calls a function of the script with arguments in the area, and gives
	// the number that it returns.
	const function, count, value, code = 0, 1, 2, 3
	g.Func("invoke", link.Type{Params: "ii", Results: "i"}, "li", func(c *link.Code) {
		c.GetGlobal("context").Get(function).LoadI64(0).I64(undefined).Get(count).GetGlobal("area").Call("JS_Call").Set(value)
		isException(c, value).If().Call("failed").Return().End()
		c.GetGlobal("area").Get(value).StoreI64(areaResult)
		c.GetGlobal("area").I32(areaResult).I32Add().Call("qjs_get_float64").I32TruncSatF64S().Set(code)
		c.GetGlobal("context").Get(value).Call("JS_FreeValue").Get(code)
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

// isException puts on the stack whether a value says that there is an exception.
func isException(c *link.Code, value int) *link.Code {
	return c.Get(value).I64(32).I64ShrU().I64(tagException).I64Eq()
}

// addRun adds what runs a hook: the event becomes values, and the function that
// the script has for the hook is called with them. This is where the time of a
// small hook goes, so values are made and freed here without boxes, and
// functions of the script are called only where a hook does not simply return.
func (g *glue) addRun() {
	const hook, conn, length, arg, binary, text, code, drained, from, data, result = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
	g.Func("run", link.Type{Params: "iliii", Results: "i"}, "iiilll", func(c *link.Code) {
		c.GetGlobal("inbox").Set(text)
		c.Get(length).I32(inboxSize).I32GtU().If()
		c.Get(length).Call("wasm_malloc").Tee(text).I32Eqz().If().I32(int32(abi.Limit)).Return().End()
		c.Get(text).I32(0).Get(length).Call("azu.read").Drop()
		c.End()
		c.Get(conn).Call("integer").Set(from)
		c.Get(binary).If()
		c.GetGlobal("context").Get(text).Get(length).Call("JS_NewUint8ArrayCopy").Set(data)
		c.Else()
		c.GetGlobal("context").Get(text).Get(length).Call("JS_NewStringLen").Set(data)
		c.End()
		c.Get(length).I32(inboxSize).I32GtU().If().Get(text).Call("wasm_free").End()
		isException(c, data).If().Call("failed").Return().End()
		for i, emit := range []func(){func() { c.Get(from) }, func() { c.Get(data) }, func() { c.Get(arg).I64ExtendI32U() }} {
			c.GetGlobal("area")
			emit()
			c.StoreI64(uint32(areaArgs + 8*i))
		}
		c.GetGlobal("context").Get(hook).LoadI64(0).I64(undefined).I32(3).GetGlobal("area").Call("JS_Call").Set(result)
		for _, value := range []int{from, data} {
			c.GetGlobal("context").Get(value).Call("JS_FreeValue")
		}
		c.Get(result).I64(undefined).I64Eq().I32Eqz().If()
		isException(c, result).If()
		c.GetGlobal("context").Call("JS_GetException").Set(result)
		pass(c, result)
		c.GetGlobal("thrown").I32(1).Call("invoke").Set(code)
		c.Else()
		pass(c, result)
		c.GetGlobal("returned").I32(1).Call("invoke").Set(code)
		c.End()
		c.GetGlobal("context").Get(result).Call("JS_FreeValue")
		c.End()
		c.Call("qjs_is_job_pending").If()
		c.Call("drain").Tee(drained).If().Get(drained).Set(code).End()
		c.End()
		c.GetGlobal("rejected").Get(code).I32(pending).I32Eq().I32Or().If()
		c.I32(0).SetGlobal("rejected")
		c.GetGlobal("area").Get(code).I64ExtendI32U().StoreI64(areaArgs).GetGlobal("area").I64(0).StoreI64(areaArgs + 8)
		c.GetGlobal("settle").I32(2).Call("invoke").Set(code)
		c.End()
		c.Get(code)
	})
}

// pass makes a value the only argument of a call.
func pass(c *link.Code, value int) { c.GetGlobal("area").Get(value).StoreI64(areaArgs) }

// addHook adds the export of a hook.
func (g *glue) addHook(hook abi.Hook, def abi.HookDef) {
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
		c.GetGlobal(def.Name)
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
		case hook == abi.OnPing || hook == abi.OnPong:
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
