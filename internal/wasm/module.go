package wasm

// Module is what Scan found. Its strings and slices are its own. It may be
// read from several goroutines.
type Module struct {
	Size    int // bytes of the file
	Types   []FuncType
	Imports []Import
	Exports []Export
	// Functions counts those that have a body, ImportedFunctions the others,
	// which come first in every index.
	Functions         int
	ImportedFunctions int
	Tables            []Table  // imported ones first
	Globals           []Global // imported ones first
	ImportedGlobals   int
	Memory            *Memory // nil: none
	// Start is the index of the start function, -1 without one.
	Start     int
	Data      int // data segments
	Elements  int // element segments
	Customs   []string
	Names     []FuncName // of the name section, as they come, cut at 256 bytes
	Features  Features
	BodyBytes int // bytes of all bodies

	sum      uint32 // of the file, so that Meter gets the same one
	sections []section
	funcs    []uint32 // types of all functions, imported ones first
	bodies   []span

	longNames bool // the name section has some that are cut

	dataSizes []uint32 // bytes of the data segments
}

// Features are what a module uses beyond WebAssembly 1.0, as far as Meter or
// a compiler must know.
type Features struct {
	SIMD, BulkMemory, ReferenceTypes, MultiValue, TailCalls, ExtendedConst bool
}

// FuncType returns the signature of a function. i counts imports first.
func (m *Module) FuncType(i uint32) (FuncType, bool) {
	if int64(i) >= int64(len(m.funcs)) {
		return FuncType{}, false
	}
	return m.Types[m.funcs[i]], true
}

// span is a part of the file.
type span struct{ start, end int }

// Ids of sections (5.5.2).
const (
	secCustom byte = iota
	secType
	secImport
	secFunction
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElement
	secCode
	secData
	secDataCount
)

var sectionNames = [...]string{
	"custom", "type", "import", "function", "table", "memory", "global",
	"export", "start", "element", "code", "data", "data count",
}

// sectionOrder is where a section has its place; custom ones have none.
var sectionOrder = [...]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10}

// section is a section without its head. Of a custom section, body begins
// behind the name.
type section struct {
	id   byte
	name string // of a custom section
	full span   // with the head, of custom sections
	body span
}
