package plugin

import (
	"context"
	"fmt"
	"slices"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// hostFunc is a host function: it takes its arguments from s, in the order of
// abi.Imports, and returns its result as wazero has it on the stack.
//
// A hostFunc converts and checks pointers, all of them before it does
// anything else; whether names, kinds and codes are right is up to the Env.
type hostFunc func(c *callContext, s []uint64) uint64

// hostFuncs are the host functions that need an Env. Together with
// freeFuncs they are abi.Imports; a test holds them against each other.
var hostFuncs = map[string]hostFunc{
	"send":          hostSend,
	"broadcast":     hostBroadcast,
	"broadcast_all": hostBroadcastAll,
	"send_user":     hostSendUser,
	"send_users":    hostSendUsers,
	"close":         hostClose,

	"join":         hostJoin,
	"leave":        hostLeave,
	"room_size":    hostRoomSize,
	"room_members": hostRoomMembers,
	"room_users":   hostRoomUsers,
	"rooms":        hostRooms,

	"identify": hostIdentify,
	"user":     hostUser,
	"online":   hostOnline,
	"users":    hostUsers,

	"param":       hostParam,
	"query":       hostQuery,
	"header":      hostHeader,
	"remote_addr": hostRemoteAddr,
	"subprotocol": hostSubprotocol,
	"claims":      hostClaims,

	"value_get":    hostValueGet,
	"value_set":    hostValueSet,
	"value_delete": hostValueDelete,

	"store_get":    hostStoreGet,
	"store_set":    hostStoreSet,
	"store_delete": hostStoreDelete,
	"store_add":    hostStoreAdd,

	"timer_set":   hostTimerSet,
	"timer_clear": hostTimerClear,

	"metric": hostMetric,
}

// freeFuncs are the host functions that work without an Env, too.
var freeFuncs = map[string]hostFunc{
	"log":  hostLog,
	"now":  hostNow,
	"fail": hostFail,
	"read": hostRead,
}

// implementation finds the host function of an import.
func implementation(name string) (f hostFunc, needsEnv, ok bool) {
	if f, ok = hostFuncs[name]; ok {
		return f, true, true
	}
	f, ok = freeFuncs[name]
	return f, false, ok
}

// goFunc makes a hostFunc into what wazero calls.
func goFunc(f hostFunc, needsEnv bool) api.GoModuleFunc {
	return func(ctx context.Context, mod api.Module, s []uint64) {
		c := callOf(ctx)
		if c.mem == nil {
			c.mem = mod.Memory()
		}
		c.charge(abi.CallFuel)
		if needsEnv && c.env == nil {
			s[0] = errno(abi.State)
			return
		}
		s[0] = f(c, s)
	}
}

// denied is what takes the place of a host function that the route does not allow.
func denied(result abi.ValType) api.GoModuleFunc {
	answer := errno(abi.Perm)
	if result == abi.I64 {
		answer = api.EncodeI64(int64(abi.Perm))
	}
	return func(ctx context.Context, _ api.Module, s []uint64) {
		callOf(ctx).charge(abi.CallFuel)
		s[0] = answer
	}
}

// instantiateHost gives a runtime the functions of module abi.Module that the
// guest asks for: each costs a little code, and most guests want few. Those of
// capabilities that it goes without answer PERM.
func instantiateHost(ctx context.Context, rt wazero.Runtime, wanted map[string]bool, without []abi.Capability) error {
	b := rt.NewHostModuleBuilder(abi.Module)
	for _, def := range abi.Imports {
		if !wanted[def.Name] {
			continue
		}
		f, needsEnv, ok := implementation(def.Name)
		if !ok {
			return fmt.Errorf("host function %s.%s is not implemented", abi.Module, def.Name)
		}
		fn := goFunc(f, needsEnv)
		if c, ok := abi.CapabilityOf(def.Name, false); ok && slices.Contains(without, c) {
			fn = denied(def.Result)
		}
		b.NewFunctionBuilder().
			WithGoModuleFunction(fn, valueTypes(def.Params), []api.ValueType{api.ValueType(def.Result)}).
			Export(def.Name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("host functions: %w", err)
	}
	return nil
}
