//go:build wasip1

package raw

//go:wasmimport azu send
//go:noescape
func Send(conn uint64, kind int32, data string) int32

//go:wasmimport azu broadcast
//go:noescape
func Broadcast(room string, kind int32, data string, except uint64) int32

//go:wasmimport azu broadcast_all
//go:noescape
func BroadcastAll(kind int32, data string, except uint64) int32

//go:wasmimport azu send_user
//go:noescape
func SendUser(user string, kind int32, data string) int32

//go:wasmimport azu send_users
//go:noescape
func SendUsers(users string, kind int32, data string) int32

//go:wasmimport azu close
//go:noescape
func Close(conn uint64, code int32, reason string) int32

//go:wasmimport azu join
//go:noescape
func Join(conn uint64, room string) int32

//go:wasmimport azu leave
//go:noescape
func Leave(conn uint64, room string) int32

//go:wasmimport azu room_size
//go:noescape
func RoomSize(room string) int32

//go:wasmimport azu room_members
//go:noescape
func RoomMembers(room string, buf *byte, size uint32) int32

//go:wasmimport azu room_users
//go:noescape
func RoomUsers(room string, buf *byte, size uint32) int32

//go:wasmimport azu rooms
//go:noescape
func Rooms(conn uint64, buf *byte, size uint32) int32

//go:wasmimport azu identify
//go:noescape
func Identify(conn uint64, user string) int32

//go:wasmimport azu user
//go:noescape
func User(conn uint64, buf *byte, size uint32) int32

//go:wasmimport azu online
//go:noescape
func Online(user string) int32

//go:wasmimport azu users
//go:noescape
func Users(buf *byte, size uint32) int32

//go:wasmimport azu param
//go:noescape
func Param(conn uint64, name string, buf *byte, size uint32) int32

//go:wasmimport azu query
//go:noescape
func Query(conn uint64, name string, buf *byte, size uint32) int32

//go:wasmimport azu header
//go:noescape
func Header(conn uint64, name string, buf *byte, size uint32) int32

//go:wasmimport azu remote_addr
//go:noescape
func RemoteAddr(conn uint64, buf *byte, size uint32) int32

//go:wasmimport azu subprotocol
//go:noescape
func Subprotocol(conn uint64, buf *byte, size uint32) int32

//go:wasmimport azu claims
//go:noescape
func Claims(conn uint64, buf *byte, size uint32) int32

//go:wasmimport azu value_get
//go:noescape
func ValueGet(conn uint64, key string, buf *byte, size uint32) int32

//go:wasmimport azu value_set
//go:noescape
func ValueSet(conn uint64, key, data string) int32

//go:wasmimport azu value_delete
//go:noescape
func ValueDelete(conn uint64, key string) int32

//go:wasmimport azu store_get
//go:noescape
func StoreGet(key string, buf *byte, size uint32) int32

//go:wasmimport azu store_set
//go:noescape
func StoreSet(key, data string, ttlMS int64) int32

//go:wasmimport azu store_delete
//go:noescape
func StoreDelete(key string) int32

//go:wasmimport azu store_add
//go:noescape
func StoreAdd(key string, delta, ttlMS int64, result *int64) int32

//go:wasmimport azu timer_set
//go:noescape
func TimerSet(conn uint64, name string, afterMS int64) int32

//go:wasmimport azu timer_clear
//go:noescape
func TimerClear(conn uint64, name string) int32

//go:wasmimport azu log
//go:noescape
func Log(level int32, text string) int32

//go:wasmimport azu metric
//go:noescape
func Metric(op int32, name, labels string, value float64) int32

//go:wasmimport azu now
//go:noescape
func Now() int64

//go:wasmimport azu fail
//go:noescape
func Fail(text string) int32

//go:wasmimport azu read
//go:noescape
func Read(ptr *byte, offset, size uint32) int32
