package wasm

// localReach estimates what the compiler does to find out which value a
// local.get gives: for a local that was not set in the same block it walks back,
// and at every block with several ways in it notes the local, and makes a
// parameter of it where the ways differ. So a local that lives on can cost
// something at every block of its function, and 30 KB of code with 2,000 such locals
// and 2,000 blocks took 17 s.
type localReach struct {
	current uint32
	setIn   []uint32 // by local: the block it was last set in
	counted []bool   // by local: lives on
	living  uint64
	line    uint64 // blocks since one with several ways in: so far a walk goes that is not noted
	walks   uint64
}

// begin starts a function with so many locals, parameters included.
func (l *localReach) begin(locals int) {
	l.current, l.living, l.line, l.walks = 1, 0, 0, 0
	l.setIn = append(l.setIn[:0], make([]uint32, locals)...)
	l.counted = append(l.counted[:0], make([]bool, locals)...)
}

// block begins a block. joins says whether it may have several ways in.
func (l *localReach) block(joins bool) {
	l.current++
	l.line++
	if joins {
		l.line = 0
	}
}

// local takes in an instruction on a local.
func (l *localReach) local(in *instruction) {
	if in.op != opLocalGet {
		l.setIn[in.a] = l.current
		return
	}
	if l.setIn[in.a] == l.current {
		return
	}
	l.walks += l.line
	if !l.counted[in.a] {
		l.counted[in.a] = true
		l.living++
	}
}

// work is the estimate for a function of so many blocks.
func (l *localReach) work(blocks uint64) uint64 { return l.living*blocks + l.walks/walksInWork }

// total is what a function of so many blocks adds to the work of all functions: each
// block may hand all of the locals on, in time that grows with their square.
func (l *localReach) total(blocks uint64) uint64 {
	return l.living*l.living*blocks/handsInWork + notesInWork*l.work(blocks)
}

// In time, measured against a pair of blocks, which is one of the work of all functions.
const (
	walksInWork = 16 // steps of a walk are as much as one note
	notesInWork = 16 // what a note is as much as
	handsInWork = 4  // pairs of locals in a block are as much as one
)
