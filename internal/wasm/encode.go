package wasm

// Header begins a module: the magic number and version 1 (5.5.16).
const Header = "\x00asm\x01\x00\x00\x00"

// funcTypeForm begins a function type (5.3.6).
const funcTypeForm = 0x60

// AppendU32 appends v as an unsigned LEB128 number (5.2.2).
func AppendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// AppendSigned appends v as a signed LEB128 number (5.2.2), as in i32.const and i64.const.
func AppendSigned(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// AppendName appends the length of s, and s, which must be UTF-8 (5.2.4).
func AppendName(b []byte, s string) []byte {
	return append(AppendU32(b, uint32(len(s))), s...)
}

// AppendSized appends the length of body, and body: the form of function bodies and of the bytes of data segments.
func AppendSized(b, body []byte) []byte {
	return append(AppendU32(b, uint32(len(body))), body...)
}

// AppendSection appends a section (5.5.2).
func AppendSection(b []byte, id SectionID, body []byte) []byte {
	return AppendSized(append(b, byte(id)), body)
}

// AppendFuncType appends a function type, as the type section has them (5.3.6).
func AppendFuncType(b []byte, t FuncType) []byte {
	b = append(b, funcTypeForm)
	for _, list := range [][]ValueType{t.Params, t.Results} {
		b = AppendU32(b, uint32(len(list)))
		for _, v := range list {
			b = append(b, byte(v))
		}
	}
	return b
}

// op1 appends an instruction with one number.
func op1(b []byte, op opcode, n uint32) []byte {
	return AppendU32(append(b, byte(op)), n)
}
