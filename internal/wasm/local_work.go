package wasm

// localWork estimates the compiler's work to find the values of local.get instructions, for one function at a time.
//
// For a local that was not set in the same block, the compiler walks back through the predecessors. At every block with
// several predecessors it records the local, and makes it a block parameter where the incoming values differ. So each
// local that is live across blocks can cost work at every block: 30 KB of code with 2,000 such locals and 2,000 blocks
// took 17 s to compile.
type localWork struct {
	block    uint32   // number of the current block, from 1
	setIn    []uint32 // by local: the block that set it last; 0: none
	counted  []bool   // by local: is in live
	live     uint64   // locals that are live across blocks
	straight uint64   // blocks since the last one with several predecessors: the length of a walk
	steps    uint64   // of all walks
}

// Weights of the estimate. They are measured against a pair of blocks, which is 1 in Limits.Work.
const (
	stepsPerRecord  = 16 // steps of a walk that take as long as recording a local in a block
	workPerRecord   = 16 // work of recording a local in a block
	passesPerWork   = 4  // pairs of locals, per block, that are a work of 1
	workPerLoopWork = 1_000
)

// begin starts a function with that many locals, parameters included.
func (l *localWork) begin(locals int) {
	l.block, l.live, l.straight, l.steps = 1, 0, 0, 0
	l.setIn = append(l.setIn[:0], make([]uint32, locals)...)
	l.counted = append(l.counted[:0], make([]bool, locals)...)
}

// nextBlock starts a block. joins is true if the block can have several predecessors.
func (l *localWork) nextBlock(joins bool) {
	l.block++
	l.straight++
	if joins {
		l.straight = 0
	}
}

// access records a local.get, local.set or local.tee.
func (l *localWork) access(in *instruction) {
	if in.op != opLocalGet {
		l.setIn[in.a] = l.block
		return
	}
	if l.setIn[in.a] == l.block {
		return
	}
	l.steps += l.straight
	if !l.counted[in.a] {
		l.counted[in.a] = true
		l.live++
	}
}

// functionWork returns the work of a function of that many blocks, for Limits.LocalWork.
func (l *localWork) functionWork(blocks uint64) uint64 { return l.live*blocks + l.steps/stepsPerRecord }

// moduleWork returns what a function of that many blocks adds to the work of the module, for Limits.Work. Each block
// may pass all live locals on, in time that grows with their square.
func (l *localWork) moduleWork(blocks uint64) uint64 {
	return l.live*l.live*blocks/passesPerWork + workPerRecord*l.functionWork(blocks)
}
