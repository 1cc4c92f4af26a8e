package script

import "github.com/azuhost/azuhost/cmd/azuhost/internal/link"

// addValues adds conversions between values of the script and of the ABI.
func (g *glue) addValues() {
	// integer returns a number, or a bigint if a number is not exact.
	g.Func("integer", link.Type{Params: "l", Results: "l"}, "", func(c *link.Code) {
		const value = 0
		c.Get(value).I64(1<<31 - 1).I64GtU().I32Eqz().If().Get(value).Return().End()
		c.Get(value).I64(1 << 53).I64Add().I64(1 << 54).I64GtU().If()
		c.GetGlobal("context").Get(value).Call("JS_NewBigInt64").Return()
		c.End()
		c.GetGlobal("context").Get(value).F64ConvertI64S().Call("JS_NewNumber")
	})
	// long returns the i64 of a number or a bigint.
	g.Func("long", link.Type{Params: "i", Results: "l"}, "", func(c *link.Code) {
		const box = 0
		pushOut := func() { c.GetGlobal("area").I32(areaOut).I32Add() }
		c.Get(box).Call("qjs_is_big_int").If()
		c.Get(box)
		pushOut()
		pushOut()
		c.I32(4).I32Add().Call("qjs_get_big_int64").Drop()
		pushOut()
		c.LoadI64(0).Return()
		c.End()
		c.Get(box).Call("qjs_get_float64").I64TruncSatF64S()
	})
	g.addBytes()
	g.addReplaceSurrogates()
	g.Func("release", link.Type{Params: "i"}, "", func(c *link.Code) {
		const slot = 0
		c.Get(slot).Load(4).If().Get(slot).Load(4).Call("qjs_free_cstring").End()
	})
}

// notText is the message of the TypeError for a value that is neither a text nor a byte array.
const notText = "a string or a Uint8Array is wanted here"

// addBytes adds bytes, which returns the address of a string in UTF-8, or of a typed array. It stores the length, and
// the address for release, in a slot. It throws a TypeError and returns 0 for undefined, null and other objects. It
// also returns 0 if QuickJS has thrown.
func (g *glue) addBytes() {
	const box, slot, text, buffer, out = 0, 1, 2, 3, 4
	g.Func("bytes", link.Type{Params: "ii", Results: "i"}, "iii", func(c *link.Code) {
		c.Get(slot).I32(0).Store(4)
		c.GetGlobal("area").I32(areaOut).I32Add().Set(out)
		c.Get(box).Call("qjs_is_object").If()
		c.Get(box).Get(out).Get(out).I32(4).I32Add().Get(out).I32(8).I32Add()
		c.Call("qjs_get_typed_array_buffer").Tee(buffer)
		c.Call("qjs_is_exception").I32Eqz().If()
		c.Get(buffer).Get(out).I32(12).I32Add().Call("qjs_get_array_buffer").Get(out).Load(0).I32Add().Set(text)
		c.Get(buffer).Call("qjs_free_value")
		c.Get(slot).Get(out).Load(4).Store(0)
		c.Get(text).Return()
		c.End()
		c.Get(buffer).Call("qjs_free_value").Call("qjs_get_exception").Call("qjs_free_value") // not a typed array
		c.Call("throw_not_text").Return()
		c.End()
		c.Get(box).Call("qjs_is_undefined").Get(box).Call("qjs_is_null").I32Or().If().Call("throw_not_text").Return().End()
		c.Get(slot).I32(0).Store(0)
		c.Get(slot).Get(box).Get(slot).Call("qjs_get_string_len").Tee(text).Store(4)
		c.Get(text).If().Get(text).Get(slot).Load(0).Call("replace_surrogates").End()
		c.Get(text)
	})
	g.Func("throw_not_text", link.Type{Results: "i"}, "", func(c *link.Code) {
		c.GetGlobal("context")
		g.pushString(c, notText)
		c.I32(0).Call("JS_ThrowTypeError").Drop()
		c.I32(0)
	})
}

// addReplaceSurrogates adds replace_surrogates, which replaces each lone surrogate in a text by U+FFFD, as browsers
// do. JSON.parse can make one from a message of a client, and no text may have one. Both take 3 bytes in UTF-8. The
// texts that QuickJS shares with its strings are ASCII, so they do not change.
func (g *glue) addReplaceSurrogates() {
	const at, end = 0, 1
	g.Func("replace_surrogates", link.Type{Params: "ii"}, "", func(c *link.Code) {
		c.Get(at).Get(end).I32Add().Set(end)
		c.Loop() // skips ASCII, 8 bytes at a time
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
