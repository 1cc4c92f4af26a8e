package script

import (
	"slices"
	"strings"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

// A native is a function that the script can call: a host function of the ABI,
// or one of the glue's own.

// ownNatives are those of the glue.
var ownNatives = []string{"utf8_encode", "utf8_decode", "random", "json_depth", "source_map"}

// hidden are host functions that only the glue calls.
var hidden = []string{"read"}

// allNatives are the names of everything that a script can call.
func allNatives() []string {
	out := slices.Clone(ownNatives)
	for _, im := range abi.Imports {
		if !slices.Contains(hidden, im.Name) {
			out = append(out, im.Name)
		}
	}
	return out
}

// nativeType is the type of a native: it gets the address of its arguments, and
// gives a value.
var nativeType = link.Type{Params: "i", Results: "l"}

// genericMagic has QuickJS give a function its number: JS_CFUNC_generic_magic.
const genericMagic = 1

// length is how many arguments a native has. Those that a script does not pass
// are undefined.
func length(native string) int {
	for _, im := range abi.Imports {
		if im.Name == native {
			args, _, _ := arguments(im.Params)
			return len(args)
		}
	}
	return 1
}

// addNatives adds the natives and what calls them.
func (g *glue) addNatives() {
	imported := map[string]bool{"read": true, "fail": true, "log": true} // what the glue itself needs
	for _, name := range g.natives {
		imported[name] = true
	}
	for _, im := range abi.Imports {
		if !imported[im.Name] {
			continue
		}
		g.Import(abi.Module, im.Name, link.Type{Params: letters(im.Params), Results: letters([]abi.Param{{Type: im.Result}})})
		if slices.Contains(g.natives, im.Name) {
			g.addImport(im)
		}
	}
	g.addOwn()

	// native is what QuickJS calls, with the number of the native.
	const args, number = 3, 4
	g.Func("native", link.Type{Params: "iliii", Results: "l"}, "", func(c *link.Code) {
		n := len(g.natives)
		for range n + 1 {
			c.Block()
		}
		c.Get(number).BrTable(uint32(n))
		for _, native := range g.natives {
			c.End().Get(args).Call("native." + native).Return()
		}
		c.End().Trap()
	})
}

// argument puts the address of an argument on the stack, which is what functions
// that want a box take.
func argument(c *link.Code, argv, i int) *link.Code {
	if i == 0 {
		return c.Get(argv)
	}
	return c.Get(argv).I32(int32(8 * i)).I32Add()
}

// passed is an argument that the script passes for one or two parameters of a host
// function.
type passed struct {
	kind  byte // of a parameter: i, l, d; p: a pair; b: a buffer for the result; r: a place for the result
	slot  int  // of a pair
	local int  // of a pair: its address
}

// arguments groups the parameters of a host function.
func arguments(params []abi.Param) (out []passed, buffer, result bool) {
	pairs := 0
	for i := 0; i < len(params); i++ {
		p := params[i]
		switch {
		case strings.HasSuffix(p.Name, "_ptr"):
			out = append(out, passed{kind: 'p', slot: pairs})
			pairs++
			i++
		case p.Name == "buf":
			out = append(out, passed{kind: 'b'})
			buffer = true
			i++
		case p.Name == "result":
			out = append(out, passed{kind: 'r'})
			result = true
		default:
			out = append(out, passed{kind: letters(params[i : i+1])[0]})
		}
	}
	return out, buffer, result
}

// addImport adds the native of a host function.
func (g *glue) addImport(im abi.Import) {
	args, buffer, byPointer := arguments(im.Params)
	const argv = 0
	const result, length, space, value = 1, 2, 3, 4 // of a getter: its length, where it is
	locals := "iiil"
	for i := range args {
		if args[i].kind == 'p' {
			args[i].local = 1 + len(locals)
			locals += "i"
		}
	}
	g.Func("native."+im.Name, nativeType, locals, func(c *link.Code) {
		for i, a := range args {
			if a.kind == 'p' {
				argument(c, argv, i)
				slot(c, a.slot)
				c.Call("bytes").Tee(a.local).I32Eqz().If()
				c.GetGlobal("context").Call("JS_HasException").If() // it has no text: a symbol, or no memory
				for _, before := range args[:i] {
					if before.kind == 'p' {
						slot(c, before.slot)
						c.Call("release")
					}
				}
				c.I64(tagException << 32).Return().End().End()
			}
		}
		if im.Result == abi.I64 { // and no arguments to release: now
			c.Call("azu." + im.Name).Call("integer")
			return
		}
		call := func(address, capacity func()) {
			for i, a := range args {
				g.pass(c, a, argv, i, address, capacity)
			}
			c.Call("azu." + im.Name).Set(result)
		}
		scratch := func() { c.GetGlobal("area").I32(areaScratch).I32Add() }
		call(scratch, func() { c.I32(scratchSize) })
		if buffer {
			scratch()
			c.Set(space)
			c.Get(result).I32(scratchSize).I32GtS().If()
			c.Get(result).Tee(length).Call("wasm_malloc").Tee(space).I32Eqz().If().Trap().End()
			call(func() { c.Get(space) }, func() { c.Get(length) })
			c.End()
		}
		for _, a := range args {
			if a.kind == 'p' {
				slot(c, a.slot)
				c.Call("release")
			}
		}
		switch {
		case buffer:
			g.giveBuffer(c, len(args)-1, result, space, value)
		case byPointer:
			c.Get(result).I32(0).I32LtS().If()
			c.GetGlobal("context").Call("JS_NewArray").Set(value)
			isException(c, value).If().Get(value).Return().End()
			c.GetGlobal("context").Get(value).I32(0).Get(result).I64ExtendI32U().Call("JS_SetPropertyUint32").Drop()
			c.Get(value).Return()
			c.End()
			c.GetGlobal("area").LoadI64(areaResult).Call("integer")
		default:
			c.Get(result).I64ExtendI32U()
		}
	})
}

// slot gives the address of a slot.
func slot(c *link.Code, i int) { c.GetGlobal("area").I32(int32(areaSlots + 8*i)).I32Add() }

// pass puts an argument on the stack as the host function wants it.
func (g *glue) pass(c *link.Code, a passed, argv, i int, address, capacity func()) {
	switch a.kind {
	case 'i':
		argument(c, argv, i).Call("qjs_get_float64").I32TruncSatF64S()
	case 'd':
		argument(c, argv, i).Call("qjs_get_float64")
	case 'l':
		argument(c, argv, i).Call("long")
	case 'p':
		c.Get(a.local).GetGlobal("area").Load(uint32(areaSlots + 8*a.slot))
	case 'b':
		address()
		capacity()
	case 'r':
		c.GetGlobal("area").I32(areaResult).I32Add()
	}
}

// giveBuffer gives what a getter has written: the argument in the buffer's
// place says whether as bytes. An error is given as its number.
func (g *glue) giveBuffer(c *link.Code, i, result, space, value int) {
	const argv = 0
	c.Get(result).I32(0).I32LtS().If()
	c.Get(result).I64ExtendI32U().Set(value)
	c.Else()
	argument(c, argv, i).Call("qjs_get_bool").If()
	c.GetGlobal("context").Get(space).Get(result).Call("JS_NewUint8ArrayCopy").Set(value)
	c.Else()
	c.GetGlobal("context").Get(space).Get(result).Call("JS_NewStringLen").Set(value)
	c.End().End()
	c.Get(space).GetGlobal("area").I32(areaScratch).I32Add().I32Sub().If()
	c.Get(space).Call("wasm_free")
	c.End()
	c.Get(value)
}

// addValues adds conversions between values of the script and of the ABI.
func (g *glue) addValues() {
	// integer makes a number, or a bigint where a number is not exact.
	g.Func("integer", link.Type{Params: "l", Results: "l"}, "", func(c *link.Code) {
		const value = 0
		c.Get(value).I64(1<<31 - 1).I64GtU().I32Eqz().If().Get(value).Return().End()
		c.Get(value).I64(1 << 53).I64Add().I64(1 << 54).I64GtU().If()
		c.GetGlobal("context").Get(value).Call("JS_NewBigInt64").Return()
		c.End()
		c.GetGlobal("context").Get(value).F64ConvertI64S().Call("JS_NewNumber")
	})
	// long is the other way.
	g.Func("long", link.Type{Params: "i", Results: "l"}, "", func(c *link.Code) {
		const box = 0
		out := func() { c.GetGlobal("area").I32(areaOut).I32Add() }
		c.Get(box).Call("qjs_is_big_int").If()
		c.Get(box)
		out()
		out()
		c.I32(4).I32Add().Call("qjs_get_big_int64").Drop()
		out()
		c.LoadI64(0).Return()
		c.End()
		c.Get(box).Call("qjs_get_float64").I64TruncSatF64S()
	})
	// bytes gives the address of a string in UTF-8, or of a typed array. Into
	// the slot go the length, and what release frees. What is neither, and has no text that
	// anybody means, throws: zero.
	const box, slot, text, buffer, out = 0, 1, 2, 3, 4
	g.Func("bytes", link.Type{Params: "ii", Results: "i"}, "iii", func(c *link.Code) {
		c.Get(slot).I32(0).Store(4)
		c.GetGlobal("area").I32(areaOut).I32Add().Set(out)
		c.Get(box).Call("qjs_is_object").If()
		c.Get(box).Get(out).Get(out).I32(4).I32Add().Get(out).I32(8).I32Add().Call("qjs_get_typed_array_buffer").Tee(buffer)
		c.Call("qjs_is_exception").I32Eqz().If()
		c.Get(buffer).Get(out).I32(12).I32Add().Call("qjs_get_array_buffer").Get(out).Load(0).I32Add().Set(text)
		c.Get(buffer).Call("qjs_free_value")
		c.Get(slot).Get(out).Load(4).Store(0)
		c.Get(text).Return()
		c.End()
		c.Get(buffer).Call("qjs_free_value").Call("qjs_get_exception").Call("qjs_free_value") // no typed array
		c.Call("unwanted").Return()
		c.End()
		c.Get(box).Call("qjs_is_undefined").Get(box).Call("qjs_is_null").I32Or().If().Call("unwanted").Return().End()
		c.Get(slot).I32(0).Store(0)
		c.Get(slot).Get(box).Get(slot).Call("qjs_get_string_len").Tee(text).Store(4)
		c.Get(text).If().Get(text).Get(slot).Load(0).Call("scrub").End()
		c.Get(text)
	})
	g.Func("unwanted", link.Type{Results: "i"}, "", func(c *link.Code) {
		c.GetGlobal("context").GetGlobal("words").I32(g.words.place(noBytes)).I32Add().I32(0).Call("JS_ThrowTypeError").Drop()
		c.I32(0)
	})
	g.addScrub()
	g.Func("release", link.Type{Params: "i"}, "", func(c *link.Code) {
		const slot = 0
		c.Get(slot).Load(4).If().Get(slot).Load(4).Call("qjs_free_cstring").End()
	})
}

// noBytes is the message for a value that is no text.
const noBytes = "a string or a Uint8Array is wanted here"

// addScrub adds what puts U+FFFD in the place of a surrogate without its other half, as
// browsers do: a client can have JSON.parse make one, and no text may have it. It
// takes as many bytes. What QuickJS shares with a string of its own is ASCII.
func (g *glue) addScrub() {
	const at, end = 0, 1
	g.Func("scrub", link.Type{Params: "ii"}, "", func(c *link.Code) {
		c.Get(at).Get(end).I32Add().Set(end)
		c.Loop() // ASCII, eight at a time
		c.Get(at).I32(8).I32Add().Get(end).I32GtU().I32Eqz().If()
		c.Get(at).LoadI64(0).I64(-0x7f7f7f7f7f7f7f80).I64And().I64Eqz().If()
		c.Get(at).I32(8).I32Add().Set(at).Br(2)
		c.End().End().End()
		c.Loop()
		c.Get(end).Get(at).I32GtU().If()
		c.Get(at).Load8(0).I32(0xed).I32Eq().If()
		c.Get(at).Load8(1).I32(0x9f).I32GtU().If()
		for i, b := range []byte("\uFFFD") {
			c.Get(at).I32(int32(b)).Store8(uint32(i))
		}
		c.End().End()
		c.Get(at).I32(1).I32Add().Set(at).Br(1)
		c.End().End()
	})
}

// addJSONDepth adds what says how deep a text nests if it is JSON. QuickJS goes down
// with it, and ends with a trap where the script could have had an exception.
func (g *glue) addJSONDepth() {
	const argv, text, end, char, quoted, depth, deepest = 0, 1, 2, 3, 4, 5, 6
	g.Func("native.json_depth", nativeType, "iiiiii", func(c *link.Code) {
		c.Get(argv)
		slot(c, 0)
		c.Call("bytes").Tee(text).I32Eqz().If().I64(tagException << 32).Return().End()
		c.Get(text).GetGlobal("area").Load(areaSlots).I32Add().Set(end)
		c.Loop()
		c.Get(end).Get(text).I32GtU().If()
		c.Get(text).Load8(0).Set(char)
		c.Get(text).I32(1).I32Add().Set(text)
		c.Get(char).I32('"').I32Eq().If()
		c.Get(quoted).I32Eqz().Set(quoted)
		c.Else().Get(quoted).If()
		c.Get(char).I32('\\').I32Eq().Get(text).I32Add().Set(text) // what follows is no quote
		c.Else()
		c.Get(char).I32(' ').I32Or().Set(char) // which makes braces of brackets
		c.Get(char).I32('{').I32Eq().Get(depth).I32Add().Set(depth)
		c.Get(depth).Get(char).I32('}').I32Eq().I32Sub().Set(depth)
		c.Get(depth).Get(deepest).I32GtS().If().Get(depth).Set(deepest).End()
		c.End().End()
		c.Br(1)
		c.End().End()
		slot(c, 0)
		c.Call("release").Get(deepest).I64ExtendI32U()
	})
}

// addOwn adds the natives that are no host functions.
func (g *glue) addOwn() {
	g.addJSONDepth()
	const argv, text, value = 0, 1, 2
	for name, make := range map[string]string{"utf8_encode": "JS_NewUint8ArrayCopy", "utf8_decode": "JS_NewStringLen"} {
		g.Func("native."+name, nativeType, "il", func(c *link.Code) {
			c.Get(argv)
			slot(c, 0)
			c.Call("bytes").Tee(text).I32Eqz().If().I64(tagException << 32).Return().End()
			c.GetGlobal("context").Get(text).GetGlobal("area").Load(areaSlots).Call(make).Set(value)
			slot(c, 0)
			c.Call("release").Get(value)
		})
	}
	const length = 3
	g.Func("native.random", nativeType, "ili", func(c *link.Code) {
		c.Get(argv).Call("qjs_get_float64").I32TruncSatF64S().Tee(length)
		c.Call("wasm_malloc").Tee(text).I32Eqz().If().Trap().End()
		c.Get(text).Get(length).Call("wasi_snapshot_preview1.random_get").Drop()
		c.GetGlobal("context").Get(text).Get(length).Call("JS_NewUint8ArrayCopy")
		c.Get(text).Call("wasm_free")
	})
}
