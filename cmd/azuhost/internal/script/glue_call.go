package script

import (
	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

// addCalls adds functions that call the script: failed, invoke and drain.
func (g *glue) addCalls() {
	g.addFailed()
	// invoke calls a function of the script with count arguments in the area, and returns the number that it returns.
	const function, count, value, code = 0, 1, 2, 3
	g.Func("invoke", link.Type{Params: "ii", Results: "i"}, "li", func(c *link.Code) {
		c.GetGlobal("context").Get(function).LoadI64(0).I64(undefined).Get(count).GetGlobal("area").Call("JS_Call").Set(value)
		pushIsException(c, value).If().Call("failed").Return().End()
		c.GetGlobal("area").Get(value).StoreI64(areaResult)
		c.GetGlobal("area").I32(areaResult).I32Add().Call("qjs_get_float64").I32TruncSatF64S().Set(code)
		c.GetGlobal("context").Get(value).Call("JS_FreeValue").Get(code)
	})
	// drain runs the jobs of promises until there are none. It returns 0, or the answer of a failed hook.
	g.Func("drain", link.Type{Results: "i"}, "i", func(c *link.Code) {
		const result = 0
		c.Loop().Call("qjs_is_job_pending").If()
		c.Call("qjs_execute_pending_job").I32(0).I32LtS().If().Call("failed").Set(result).End()
		c.Br(1).End().End()
		c.Get(result)
	})
}

// addFailed adds failed, which passes the current exception to azu.fail, and returns the answer of a failed hook.
// Handlers in sdk/js/start.ts catch most exceptions. failed gets those that cannot be caught, and those thrown before
// the handlers exist; of these it logs the text and the stack trace.
func (g *glue) addFailed() {
	const exception, text, stack = 0, 1, 2
	g.Func("failed", link.Type{Results: "i"}, "iii", func(c *link.Code) {
		getText := func() {
			c.GetGlobal("area").I32(areaOut).I32Add().Call("qjs_get_string_len").Tee(text).I32Eqz().If().Trap().End()
		}
		logText := func() {
			c.I32(int32(abi.Error)).Get(text).GetGlobal("area").Load(areaOut).Call("azu.log").Drop()
		}
		c.Call("qjs_get_exception").Tee(exception)
		getText()
		c.Get(text).GetGlobal("area").Load(areaOut).Call("azu.fail").Drop()
		c.GetGlobal("thrown").I32Eqz().If()
		logText()
		c.Get(exception).Call("qjs_is_error").If()
		c.Get(text).Call("qjs_free_cstring")
		c.Get(exception)
		g.pushString(c, "stack")
		c.Call("qjs_get_prop_string").Tee(stack)
		getText()
		logText()
		c.Get(stack).Call("qjs_free_value").End()
		c.End()
		c.Get(text).Call("qjs_free_cstring").Get(exception).Call("qjs_free_value")
		c.I32(int32(abi.Failed))
	})
}

// pushIsException pushes whether a value means that there is an exception.
func pushIsException(c *link.Code, value int) *link.Code {
	return c.Get(value).I64(32).I64ShrU().I64(tagException).I64Eq()
}

// addRun adds run, which makes values of an event, and calls the function of the script for the hook. Most of the
// time of a small hook goes here. So run makes and frees values without boxes, and calls functions of the SDK only if
// the hook does not simply return.
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
		pushIsException(c, data).If().Call("failed").Return().End()

		c.GetGlobal("area").Get(from).StoreI64(areaArgs)
		c.GetGlobal("area").Get(data).StoreI64(areaArgs + 8)
		c.GetGlobal("area").Get(arg).I64ExtendI32U().StoreI64(areaArgs + 16)
		c.GetGlobal("context").Get(hook).LoadI64(0).I64(undefined).I32(3).GetGlobal("area").Call("JS_Call").Set(result)
		for _, value := range []int{from, data} {
			c.GetGlobal("context").Get(value).Call("JS_FreeValue")
		}
		emitAnswer(c, result, code)

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

// emitAnswer sets the local code to the answer of a hook that has returned result, and frees result.
func emitAnswer(c *link.Code, result, code int) {
	c.Get(result).I64(undefined).I64Eq().I32Eqz().If()
	pushIsException(c, result).If()
	c.GetGlobal("context").Call("JS_GetException").Set(result)
	c.GetGlobal("area").Get(result).StoreI64(areaArgs)
	c.GetGlobal("thrown").I32(1).Call("invoke").Set(code)
	c.Else()
	c.GetGlobal("area").Get(result).StoreI64(areaArgs)
	c.GetGlobal("returned").I32(1).Call("invoke").Set(code)
	c.End()
	c.GetGlobal("context").Get(result).Call("JS_FreeValue")
	c.End()
}

// addHook adds and exports the function of a hook, which calls run: with the connection, or 0; the length of the event;
// the third parameter, or 0; and whether the event is binary.
func (g *glue) addHook(hook abi.Hook, def abi.HookDef) {
	const none = -1
	conn, length, arg, kind := none, none, none, none
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
	t := link.Type{Params: letters(def.Params), Results: "i"}
	g.Func(def.Name, t, "", func(c *link.Code) {
		c.GetGlobal(def.Name)
		if conn != none {
			c.Get(conn)
		} else {
			c.I64(0)
		}
		c.Get(length)
		if arg != none {
			c.Get(arg)
		} else {
			c.I32(0)
		}
		switch {
		case kind != none:
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
