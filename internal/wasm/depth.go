package wasm

// Frames are estimated, in bytes: wazero does not say how large they are. It
// gives every value that lives across a call a place of its own, so a frame
// grows with the locals and with the length of the code.
const (
	frameBase     = 48
	frameValue    = 8
	frameCode     = 4 // instructions a byte
	maxUncounted  = 1 << 10
	maxFrameBytes = 1 << 24
)

// function is what Meter knows of a function with a body.
type function struct {
	code        int    // offset of the first instruction
	sites       [2]int // of planner.sites
	calls       [2]int // of planning.calls
	indirect    bool   // has a call_indirect
	bulk        bool   // has an instruction that is charged by size
	localCount  int    // with parameters
	instruction int
	multi       int // values that calls and blocks give several at once

	counted bool
	weight  int // what an activation takes from the stack counter
}

func (f *function) frame() int {
	values := min(f.localCount, f.instruction)
	return min(frameBase+frameValue*(values+f.multi)+f.instruction/frameCode, maxFrameBytes)
}

// results notes what a call or a block gives. One value is as good as any
// other instruction's.
func (f *function) results(t FuncType) {
	if n := len(t.Results); n > 1 {
		f.multi += n
	}
}

// depths decides which functions count the stack. A walk through the call
// graph marks one function of every cycle, and those below which the frames of
// unmarked ones add up to more than maxUncounted. A marked function pays for
// its own frame and for the deepest path of unmarked ones below it: so what is
// not counted is bounded. A call_indirect may reach every function whose
// address is taken.
type depths struct {
	p     *planning
	state []byte // of each function; the last is of call_indirect
	path  []int  // bytes of the deepest unmarked path that begins here
	stack []visit
}

// visit is a function whose callees are being visited.
type visit struct {
	node, next, deepest int
}

const (
	unseen byte = iota
	open
	finished
)

func (p *planning) depths() {
	n := len(p.functions)
	d := &depths{p: p, state: make([]byte, n+1), path: make([]int, n+1)}
	for i := range n {
		if d.state[i] == unseen {
			d.walk(i)
		}
	}
}

func (d *depths) walk(root int) {
	d.enter(root)
	for len(d.stack) > 0 {
		v := &d.stack[len(d.stack)-1]
		to, ok := d.callee(v.node, v.next)
		if !ok {
			d.leave(v)
			continue
		}
		v.next++
		switch d.state[to] {
		case unseen:
			v.next-- // looked at again when it is finished
			d.enter(to)
		case open:
			d.cycle(v.node, to)
		case finished:
			v.deepest = max(v.deepest, d.path[to])
		}
	}
}

func (d *depths) enter(node int) {
	d.state[node] = open
	d.stack = append(d.stack, visit{node: node})
}

// cycle marks a function of the cycle that the call closes.
func (d *depths) cycle(from, to int) {
	if to == len(d.p.functions) {
		to = from
	}
	if to == len(d.p.functions) {
		return // call_indirect does not call itself
	}
	d.p.functions[to].counted = true
}

func (d *depths) leave(v *visit) {
	d.stack = d.stack[:len(d.stack)-1]
	d.state[v.node] = finished
	d.path[v.node] = v.deepest
	if v.node == len(d.p.functions) {
		return
	}
	f := &d.p.functions[v.node]
	f.weight = f.frame() + v.deepest
	if f.weight > maxUncounted {
		f.counted = true
	}
	d.path[v.node] = f.weight
	if f.counted {
		d.path[v.node] = 0
	}
}

// callee returns the i-th node that a node calls.
func (d *depths) callee(node, i int) (to int, ok bool) {
	if node == len(d.p.functions) {
		if i < len(d.p.taken) {
			return d.p.taken[i], true
		}
		return 0, false
	}
	f := &d.p.functions[node]
	calls := d.p.calls[f.calls[0]:f.calls[1]]
	switch {
	case i < len(calls):
		return int(calls[i]), true
	case i == len(calls) && f.indirect:
		return len(d.p.functions), true
	}
	return 0, false
}
