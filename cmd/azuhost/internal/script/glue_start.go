package script

import (
	"slices"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

// addEnvironment replaces the functions that QuickJS imports from its JavaScript package.
func (g *glue) addEnvironment() {
	returnZero := func(c *link.Code) { c.I32(0) }
	g.Func("env.host_get_timezone_offset", link.Type{Params: "ii", Results: "i"}, "", returnZero)
	// Metering ends a script that runs too long, also inside QuickJS.
	g.Func("env.host_interrupt", link.Type{Results: "i"}, "", returnZero)
	for _, name := range []string{"env.host_module_normalize", "env.host_module_load"} { // scripts are bundled
		g.Func(name, link.Type{Params: "ii", Results: "i"}, "", returnZero)
	}
	// Natives are C functions to QuickJS, which it does not call through host_call.
	g.Func("env.host_call", link.Type{Params: "iiiii", Results: "i"}, "", func(c *link.Code) { c.Trap() })
	const promise, reason, handled, number, result = 0, 1, 2, 3, 4
	g.Func("env.host_promise_rejection", link.Type{Params: "iii"}, "ii", func(c *link.Code) {
		c.I32(1).SetGlobal("rejected")
		c.GetGlobal("reject").I32Eqz().If() // the script itself runs: fetch reject from what start.ts has set
		c.GetGlobal("natives")
		g.pushString(c, "reject")
		c.Call("qjs_get_prop_string").SetGlobal("reject")
		c.End()
		c.Get(handled).F64ConvertI32S().Call("qjs_new_number").Set(number)
		for i, local := range []int{promise, reason, number} {
			c.GetGlobal("area").Get(local).Store(uint32(areaReject + 4*i))
		}
		c.GetGlobal("reject").GetGlobal("undefined").I32(3)
		c.GetGlobal("area").I32(areaReject).I32Add().Call("qjs_call").Set(result)
		c.Get(result).Call("qjs_free_value").Get(number).Call("qjs_free_value")
		c.Get(promise).Call("qjs_free_value").Get(reason).Call("qjs_free_value")
	})
}

// addStart adds start, which runs once in a new instance, and the native source_map.
func (g *glue) addStart() {
	scriptSegment, mapSegment := g.Data(g.script), g.Data(g.sourceMap)
	g.strings.offset(scriptName)
	for _, name := range g.natives {
		g.strings.offset(name)
	}
	functions := slices.Clone(callable)
	for _, def := range abi.Hooks {
		if g.hooks[def.Name] {
			functions = append(functions, def.Name)
		}
	}
	for _, text := range append(functions, "stack", notText) {
		g.strings.offset(text)
	}
	native := g.Slot("native")
	stringSegment := g.Data(g.strings.text)

	const object, box, text, code, value = 0, 1, 2, 3, 4
	g.Func("start", link.Type{}, "iiiil", func(c *link.Code) {
		g.emitInit(c, stringSegment)
		c.Call("qjs_new_object").Tee(object).SetGlobal("natives")
		for i, name := range g.natives {
			g.emitNativeProperty(c, native, int32(i), name, object, value)
		}
		emitLoad(c, scriptSegment, g.script, text)
		c.Get(text).I32(int32(len(g.script)))
		g.pushString(c, scriptName)
		c.I32(0).Call("qjs_eval").Set(box)
		c.Get(text).Call("wasm_free")
		c.Get(box).Call("qjs_is_exception").If().Call("failed").Trap().End()
		c.GetGlobal("area").Get(object).LoadI64(0).StoreI64(areaArgs)
		c.Get(box).I32(1).Call("invoke").Set(code)
		c.Get(box).Call("qjs_free_value")
		c.Call("drain").Get(code).I32Or().If().Trap().End()
		for _, name := range functions {
			c.Get(object)
			g.pushString(c, name)
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
		emitLoad(c, mapSegment, g.sourceMap, text)
		c.GetGlobal("context").Get(text).I32(int32(len(g.sourceMap))).Call("JS_NewStringLen").Set(result)
		c.Get(text).Call("wasm_free").Get(result)
	})
}

// emitInit starts QuickJS, and allocates the memory of the glue.
func (g *glue) emitInit(c *link.Code, stringSegment uint32) {
	size := int32(len(g.strings.text))
	c.Call("_initialize").Call("qjs_init").If().Trap().End()
	c.Call("qjs_get_context_ptr").SetGlobal("context")
	c.I32(maxMemory).Call("qjs_set_memory_limit").I32(maxStack).Call("qjs_set_max_stack_size")
	c.I32(1).Call("qjs_set_promise_rejection_handler")
	c.I32(areaSize).Call("wasm_malloc").SetGlobal("area")
	c.I32(inboxSize).Call("wasm_malloc").SetGlobal("inbox")
	c.I32(size).Call("wasm_malloc").SetGlobal("strings")
	c.GetGlobal("strings").I32(0).I32(size).MemoryInit(stringSegment)
	c.Call("qjs_get_undefined").SetGlobal("undefined")
}

// emitNativeProperty makes a native a property of an object of the script. object and value are locals.
func (g *glue) emitNativeProperty(c *link.Code, function, number int32, name string, object, value int) {
	c.GetGlobal("area").GetGlobal("context").I32(function)
	g.pushString(c, name)
	c.I32(int32(countArguments(name))).I32(genericMagic).I32(number).Call("JS_NewCFunction2").Tee(value)
	c.StoreI64(areaResult)
	c.Get(object)
	g.pushString(c, name)
	c.GetGlobal("area").I32(areaResult).I32Add().Call("qjs_set_prop_string").Drop()
	c.GetGlobal("context").Get(value).Call("JS_FreeValue")
}

// emitLoad copies a segment to allocated memory, with a zero behind it, and sets a local to the address.
func emitLoad(c *link.Code, segment uint32, data []byte, local int) {
	size := int32(len(data))
	c.I32(size + 1).Call("wasm_malloc").Tee(local).I32Eqz().If().Trap().End()
	c.Get(local).I32(0).I32(size).MemoryInit(segment)
	c.Get(local).I32(size).I32Add().I32(0).Store8(0)
}
