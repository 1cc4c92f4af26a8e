package wasm

// Estimated stack frames, in bytes. wazero does not report their size. It gives every value that is live across a call
// a slot, so a frame grows with the locals and with the length of the code.
const (
	frameBase           = 48
	frameValue          = 8
	instructionsPerByte = 4
	maxFrame            = 1 << 24
	maxUncounted        = 1 << 10 // bytes of frames in a row that may go uncounted
)

// frameSize returns the estimated bytes of a stack frame of f.
func (f *function) frameSize() int {
	values := min(f.locals, f.instructions)
	return min(frameBase+frameValue*(values+f.multiValues)+f.instructions/instructionsPerByte, maxFrame)
}

// addResults records a call or a block of type t. Several results take slots, one does not take more than any other
// instruction's.
func (f *function) addResults(t FuncType) {
	if n := len(t.Results); n > 1 {
		f.multiValues += n
	}
}

// stackPlanner decides which functions count the stack. A depth-first search of the call graph marks one function of
// every cycle, and each function below which the frames of unmarked ones add up to more than maxUncounted. A marked
// function is charged for its own frame and for the deepest path of unmarked functions below it, so uncounted frames
// are bounded. A call_indirect may reach every function whose address is taken: it is a node of its own, behind those
// of the functions.
type stackPlanner struct {
	p       *plan
	state   []visitState // by node
	deepest []int        // by node: bytes of the deepest unmarked path that begins there
	path    []visit      // from the root to the current node
}

// visit is a node of the current path.
type visit struct {
	node    int
	next    int // index of the next callee
	deepest int // of the callees that are done
}

type visitState byte

const (
	unvisited visitState = iota
	onPath
	done
)

// planStack sets countsStack and weight of all functions.
func (p *plan) planStack() {
	n := len(p.functions)
	s := &stackPlanner{p: p, state: make([]visitState, n+1), deepest: make([]int, n+1)}
	for i := range n {
		if s.state[i] == unvisited {
			s.search(i)
		}
	}
}

// indirectNode returns the node of call_indirect.
func (s *stackPlanner) indirectNode() int { return len(s.p.functions) }

// search visits all nodes that can be reached from root. It keeps its own stack, as call graphs can be deep.
func (s *stackPlanner) search(root int) {
	s.enter(root)
	for len(s.path) > 0 {
		v := &s.path[len(s.path)-1]
		callee, ok := s.callee(v.node, v.next)
		if !ok {
			s.leave(v)
			continue
		}
		switch s.state[callee] {
		case unvisited:
			s.enter(callee) // v.next stays: the next round handles it as done
		case onPath:
			v.next++
			s.markCycle(v.node, callee)
		case done:
			v.next++
			v.deepest = max(v.deepest, s.deepest[callee])
		}
	}
}

func (s *stackPlanner) enter(node int) {
	s.state[node] = onPath
	s.path = append(s.path, visit{node: node})
}

// markCycle marks a function of the cycle that the call closes.
func (s *stackPlanner) markCycle(caller, callee int) {
	if callee == s.indirectNode() {
		callee = caller
	}
	if callee == s.indirectNode() {
		return // unreachable: call_indirect does not call itself
	}
	s.p.functions[callee].countsStack = true
}

func (s *stackPlanner) leave(v *visit) {
	s.path = s.path[:len(s.path)-1]
	s.state[v.node] = done
	s.deepest[v.node] = v.deepest
	if v.node == s.indirectNode() {
		return
	}
	f := &s.p.functions[v.node]
	f.weight = f.frameSize() + v.deepest
	if f.weight > maxUncounted {
		f.countsStack = true
	}
	s.deepest[v.node] = f.weight
	if f.countsStack {
		s.deepest[v.node] = 0
	}
}

// callee returns the i-th node that a node calls. ok is false if there is none.
func (s *stackPlanner) callee(node, i int) (callee int, ok bool) {
	if node == s.indirectNode() {
		if i < len(s.p.addressTaken) {
			return s.p.addressTaken[i], true
		}
		return 0, false
	}
	f := &s.p.functions[node]
	calls := s.p.calls[f.calls.from:f.calls.to]
	switch {
	case i < len(calls):
		return int(calls[i]), true
	case i == len(calls) && f.indirect:
		return s.indirectNode(), true
	}
	return 0, false
}
