package raw

// Host implements the functions of this package outside of WebAssembly. Its getters return the data; this package
// copies it to the buffer of the caller.
type Host interface {
	Send(conn uint64, kind int32, data string) int32
	Broadcast(room string, kind int32, data string, except uint64) int32
	BroadcastAll(kind int32, data string, except uint64) int32
	SendUser(user string, kind int32, data string) int32
	SendUsers(users string, kind int32, data string) int32
	Close(conn uint64, code int32, reason string) int32
	Join(conn uint64, room string) int32
	Leave(conn uint64, room string) int32
	RoomSize(room string) int32
	RoomMembers(room string) ([]byte, int32)
	RoomUsers(room string) ([]byte, int32)
	Rooms(conn uint64) ([]byte, int32)
	Identify(conn uint64, user string) int32
	User(conn uint64) ([]byte, int32)
	Online(user string) int32
	Users() ([]byte, int32)
	Param(conn uint64, name string) ([]byte, int32)
	Query(conn uint64, name string) ([]byte, int32)
	Header(conn uint64, name string) ([]byte, int32)
	RemoteAddr(conn uint64) ([]byte, int32)
	Subprotocol(conn uint64) ([]byte, int32)
	Claims(conn uint64) ([]byte, int32)
	ValueGet(conn uint64, key string) ([]byte, int32)
	ValueSet(conn uint64, key, data string) int32
	ValueDelete(conn uint64, key string) int32
	StoreGet(key string) ([]byte, int32)
	StoreSet(key, data string, ttlMS int64) int32
	StoreDelete(key string) int32
	StoreAdd(key string, delta, ttlMS int64) (int64, int32)
	TimerSet(conn uint64, name string, afterMS int64) int32
	TimerClear(conn uint64, name string) int32
	Log(level int32, text string) int32
	Metric(op int32, name, labels string, value float64) int32
	Now() int64
	Fail(text string) int32
	// Read returns the bytes of the event.
	Read() ([]byte, int32)
}

// Current is the Host that runs a hook, nil if no hook runs.
var Current Host
