package script

import (
	"slices"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

// A native is a function that the script can call: a host function of the ABI, or one of the glue's own.

// ownNatives are the natives that are not host functions.
var ownNatives = []string{"utf8_encode", "utf8_decode", "random", "json_depth", "source_map"}

// hiddenImports are the host functions that only the glue calls.
var hiddenImports = []string{"read"}

// requiredImports are the host functions that the glue itself calls.
var requiredImports = []string{"read", "fail", "log"}

// allNatives returns the names of all natives.
func allNatives() []string {
	out := slices.Clone(ownNatives)
	for _, im := range abi.Imports {
		if !slices.Contains(hiddenImports, im.Name) {
			out = append(out, im.Name)
		}
	}
	return out
}

// nativeType is the type of a native: it takes the address of its arguments, and returns a value.
var nativeType = link.Type{Params: "i", Results: "l"}

// genericMagic makes QuickJS pass the number of a native to its function (JS_CFUNC_generic_magic).
const genericMagic = 1

// countArguments returns how many arguments a native takes. Those that a script does not pass are undefined.
func countArguments(native string) int {
	for _, im := range abi.Imports {
		if im.Name == native {
			return len(groupParams(im.Params))
		}
	}
	return 1
}

// addNatives adds the natives, and native, which calls them by their numbers.
func (g *glue) addNatives() {
	for _, im := range abi.Imports {
		isNative := slices.Contains(g.natives, im.Name)
		if !isNative && !slices.Contains(requiredImports, im.Name) {
			continue
		}
		result := string(letter(im.Result))
		g.Import(abi.Module, im.Name, link.Type{Params: letters(im.Params), Results: result})
		if isNative {
			g.addImportNative(im)
		}
	}
	g.addOwnNatives()

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

// addOwnNatives adds the natives of ownNatives, except source_map.
func (g *glue) addOwnNatives() {
	g.addJSONDepth()
	g.addTextNative("native.utf8_encode", "JS_NewUint8ArrayCopy")
	g.addTextNative("native.utf8_decode", "JS_NewStringLen")
	const argv, text, length = 0, 1, 3
	g.Func("native.random", nativeType, "ili", func(c *link.Code) {
		c.Get(argv).Call("qjs_get_float64").I32TruncSatF64S().Tee(length)
		c.Call("wasm_malloc").Tee(text).I32Eqz().If().Trap().End()
		c.Get(text).Get(length).Call("wasi_snapshot_preview1.random_get").Drop()
		c.GetGlobal("context").Get(text).Get(length).Call("JS_NewUint8ArrayCopy")
		c.Get(text).Call("wasm_free")
	})
}

// addTextNative adds a native that passes a text or byte array to a constructor of values.
func (g *glue) addTextNative(name, constructor string) {
	const argv, text, value = 0, 1, 2
	g.Func(name, nativeType, "il", func(c *link.Code) {
		c.Get(argv)
		pushSlot(c, 0)
		c.Call("bytes").Tee(text).I32Eqz().If().I64(tagException << 32).Return().End()
		c.GetGlobal("context").Get(text).GetGlobal("area").Load(areaSlots).Call(constructor).Set(value)
		pushSlot(c, 0)
		c.Call("release").Get(value)
	})
}

// addJSONDepth adds a native that returns how deep a text nests if it is JSON. QuickJS recurses as deep, and would trap
// where the script could have had an exception.
func (g *glue) addJSONDepth() {
	const argv, text, end, char, quoted, depth, deepest = 0, 1, 2, 3, 4, 5, 6
	g.Func("native.json_depth", nativeType, "iiiiii", func(c *link.Code) {
		c.Get(argv)
		pushSlot(c, 0)
		c.Call("bytes").Tee(text).I32Eqz().If().I64(tagException << 32).Return().End()
		c.Get(text).GetGlobal("area").Load(areaSlots).I32Add().Set(end)
		c.Loop()
		c.Get(end).Get(text).I32GtU().If()
		c.Get(text).Load8(0).Set(char)
		c.Get(text).I32(1).I32Add().Set(text)
		c.Get(char).I32('"').I32Eq().If()
		c.Get(quoted).I32Eqz().Set(quoted)
		c.Else().Get(quoted).If()
		c.Get(char).I32('\\').I32Eq().Get(text).I32Add().Set(text) // skips an escaped quote
		c.Else()
		c.Get(char).I32(' ').I32Or().Set(char) // maps [ to { and ] to }
		c.Get(char).I32('{').I32Eq().Get(depth).I32Add().Set(depth)
		c.Get(depth).Get(char).I32('}').I32Eq().I32Sub().Set(depth)
		c.Get(depth).Get(deepest).I32GtS().If().Get(depth).Set(deepest).End()
		c.End().End()
		c.Br(1)
		c.End().End()
		pushSlot(c, 0)
		c.Call("release").Get(deepest).I64ExtendI32U()
	})
}
