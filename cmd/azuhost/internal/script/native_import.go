package script

import (
	"strings"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

// argument is an argument of a native, for one or two parameters of its host function.
type argument struct {
	kind  argumentKind
	slot  int // of argText: index of its slot
	local int // of argText: the local with its address
}

type argumentKind byte

const (
	argI32    argumentKind = 'i'
	argI64    argumentKind = 'l'
	argF64    argumentKind = 'd'
	argText   argumentKind = 'p' // a text or byte array, for an address and a length
	argBuffer argumentKind = 'b' // whether the result is to be a byte array, for a buffer and its size
	argResult argumentKind = 'r' // for the address of an i64 that the host writes
)

// groupParams returns the arguments of a native for the parameters of its host function.
func groupParams(params []abi.Param) (out []argument) {
	slots := 0
	for i := 0; i < len(params); i++ {
		p := params[i]
		switch {
		case strings.HasSuffix(p.Name, "_ptr"):
			out = append(out, argument{kind: argText, slot: slots})
			slots++
			i++ // the length
		case p.Name == "buf":
			out = append(out, argument{kind: argBuffer})
			i++ // the size
		case p.Name == "result":
			out = append(out, argument{kind: argResult})
		default:
			out = append(out, argument{kind: argumentKind(letter(p.Type))})
		}
	}
	return out
}

// Locals of the native of a host function. The addresses of texts come behind them.
const (
	importArgv   = 0 // parameter: the address of the arguments
	importResult = 1
	importLength = 2 // of a result that does not fit in the scratch buffer
	importBuffer = 3 // the address of the result
	importValue  = 4
)

// addImportNative adds the native of a host function.
func (g *glue) addImportNative(im abi.Import) {
	args := groupParams(im.Params)
	var buffer, byPointer bool
	locals := "iiil"
	for i := range args {
		switch args[i].kind {
		case argText:
			args[i].local = 1 + len(locals)
			locals += "i"
		case argBuffer:
			buffer = true
		case argResult:
			byPointer = true
		}
	}
	g.Func("native."+im.Name, nativeType, locals, func(c *link.Code) {
		emitTexts(c, args)
		if im.Result == abi.I64 { // now, which has no arguments
			c.Call("azu." + im.Name).Call("integer")
			return
		}
		call := func(pushBuffer, pushSize func()) {
			for i, a := range args {
				pushArgument(c, a, i, pushBuffer, pushSize)
			}
			c.Call("azu." + im.Name).Set(importResult)
		}
		scratch := func() { c.GetGlobal("area").I32(areaScratch).I32Add() }
		call(scratch, func() { c.I32(scratchSize) })
		if buffer {
			scratch()
			c.Set(importBuffer)
			c.Get(importResult).I32(scratchSize).I32GtS().If()
			c.Get(importResult).Tee(importLength).Call("wasm_malloc").Tee(importBuffer).I32Eqz().If().Trap().End()
			call(func() { c.Get(importBuffer) }, func() { c.Get(importLength) })
			c.End()
		}
		emitRelease(c, args)
		switch {
		case buffer:
			emitBufferResult(c, len(args)-1)
		case byPointer:
			emitPointerResult(c)
		default:
			c.Get(importResult).I64ExtendI32U()
		}
	})
}

// emitTexts gets the addresses of texts and byte arrays. It throws for an argument that has none, such as a symbol.
func emitTexts(c *link.Code, args []argument) {
	for i, a := range args {
		if a.kind != argText {
			continue
		}
		pushArgumentAddress(c, importArgv, i)
		pushSlot(c, a.slot)
		c.Call("bytes").Tee(a.local).I32Eqz().If()
		c.GetGlobal("context").Call("JS_HasException").If()
		emitRelease(c, args[:i])
		c.I64(tagException << 32).Return().End().End()
	}
}

// emitRelease frees texts.
func emitRelease(c *link.Code, args []argument) {
	for _, a := range args {
		if a.kind == argText {
			pushSlot(c, a.slot)
			c.Call("release")
		}
	}
}

// emitPointerResult returns the i64 that the host has written. It returns an array with the result of the host function
// if that is an error, because any i64 can be a good one.
func emitPointerResult(c *link.Code) {
	c.Get(importResult).I32(0).I32LtS().If()
	c.GetGlobal("context").Call("JS_NewArray").Set(importValue)
	pushIsException(c, importValue).If().Get(importValue).Return().End()
	c.GetGlobal("context").Get(importValue).I32(0).Get(importResult).I64ExtendI32U().Call("JS_SetPropertyUint32").Drop()
	c.Get(importValue).Return()
	c.End()
	c.GetGlobal("area").LoadI64(areaResult).Call("integer")
}

// emitBufferResult returns the content of the buffer: as a byte array if argument i is true, and otherwise as a text.
// An error is returned as its number.
func emitBufferResult(c *link.Code, i int) {
	c.Get(importResult).I32(0).I32LtS().If()
	c.Get(importResult).I64ExtendI32U().Set(importValue)
	c.Else()
	pushArgumentAddress(c, importArgv, i).Call("qjs_get_bool").If()
	c.GetGlobal("context").Get(importBuffer).Get(importResult).Call("JS_NewUint8ArrayCopy").Set(importValue)
	c.Else()
	c.GetGlobal("context").Get(importBuffer).Get(importResult).Call("JS_NewStringLen").Set(importValue)
	c.End().End()
	c.Get(importBuffer).GetGlobal("area").I32(areaScratch).I32Add().I32Sub().If()
	c.Get(importBuffer).Call("wasm_free")
	c.End()
	c.Get(importValue)
}

// pushArgument pushes argument i as the host function takes it.
func pushArgument(c *link.Code, a argument, i int, pushBuffer, pushSize func()) {
	switch a.kind {
	case argI32:
		pushArgumentAddress(c, importArgv, i).Call("qjs_get_float64").I32TruncSatF64S()
	case argF64:
		pushArgumentAddress(c, importArgv, i).Call("qjs_get_float64")
	case argI64:
		pushArgumentAddress(c, importArgv, i).Call("long")
	case argText:
		c.Get(a.local).GetGlobal("area").Load(uint32(areaSlots + 8*a.slot))
	case argBuffer:
		pushBuffer()
		pushSize()
	case argResult:
		c.GetGlobal("area").I32(areaResult).I32Add()
	}
}

// pushArgumentAddress pushes the address of argument i of a native, which serves as a box.
func pushArgumentAddress(c *link.Code, argv, i int) *link.Code {
	if i == 0 {
		return c.Get(argv)
	}
	return c.Get(argv).I32(int32(8 * i)).I32Add()
}

// pushSlot pushes the address of slot i.
func pushSlot(c *link.Code, i int) { c.GetGlobal("area").I32(int32(areaSlots + 8*i)).I32Add() }
