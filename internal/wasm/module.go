package wasm

// Module describes a module that Scan has read. It shares no memory with the file. Goroutines may read it concurrently.
type Module struct {
	Size    int // bytes of the file
	Types   []FuncType
	Imports []Import
	Exports []Export
	// Functions counts the functions with a body, ImportedFunctions the others. Indexes of functions count imported ones
	// first.
	Functions         int
	ImportedFunctions int
	Tables            []Table  // imported ones first
	Globals           []Global // imported ones first
	ImportedGlobals   int
	Memory            *Memory // nil: none
	// Start is the index of the start function, or -1.
	Start     int
	Data      int // data segments
	Elements  int // element segments
	Customs   []string
	Names     []FuncName // in the order of the name section, cut at 256 bytes
	Features  Features
	BodyBytes int // bytes of all bodies

	sum       uint32 // CRC-32 of the file: Meter compares it
	sections  []section
	funcs     []uint32 // type indexes of all functions, imported ones first
	bodies    []span
	dataSizes []uint32 // bytes of each data segment
	longNames bool     // the name section has names that were cut
}

// Features are the features beyond WebAssembly 1.0 that a module uses. Meter and compilers depend on them.
type Features struct {
	SIMD, BulkMemory, ReferenceTypes, MultiValue, TailCalls, ExtendedConst bool
}

// FuncType returns the signature of function i, which counts imports first. ok is false if there is no such function.
func (m *Module) FuncType(i uint32) (t FuncType, ok bool) {
	if int64(i) >= int64(len(m.funcs)) {
		return FuncType{}, false
	}
	return m.Types[m.funcs[i]], true
}

// Section returns the body of a section of module, the file that m describes, or nil. It is for sections other than
// custom ones.
func (m *Module) Section(module []byte, id SectionID) []byte {
	for _, s := range m.sections {
		if s.id == id && id != CustomSection {
			return module[s.body.start:s.body.end]
		}
	}
	return nil
}

// span is a range of bytes of the file.
type span struct{ start, end int }

// SectionID is the id of a section (5.5.2).
type SectionID byte

// Ids of sections.
const (
	CustomSection SectionID = iota
	TypeSection
	ImportSection
	FunctionSection
	TableSection
	MemorySection
	GlobalSection
	ExportSection
	StartSection
	ElementSection
	CodeSection
	DataSection
	DataCountSection
)

var sectionNames = [...]string{
	"custom", "type", "import", "function", "table", "memory", "global",
	"export", "start", "element", "code", "data", "data count",
}

// sectionOrder is the position of each section in a module; custom sections may be anywhere.
var sectionOrder = [...]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10}

// section is a section of the file. body excludes the id and the length, and the name of a custom section.
type section struct {
	id   SectionID
	name string // of a custom section
	full span
	body span
}
