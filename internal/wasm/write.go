package wasm

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendSigned(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendName(b []byte, s string) []byte {
	return append(appendU32(b, uint32(len(s))), s...)
}

// appendSized appends the length of body, and body.
func appendSized(b, body []byte) []byte {
	return append(appendU32(b, uint32(len(body))), body...)
}

// op1 appends an instruction with one number.
func op1(b []byte, op opcode, n uint32) []byte {
	return appendU32(append(b, byte(op)), n)
}
