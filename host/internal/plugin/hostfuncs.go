package plugin

import (
	"context"
	"fmt"
	"slices"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// hostFunc is a host function. s has its arguments in the order of abi.Imports, and the function returns its result in
// the form that wazero has on its stack.
//
// A hostFunc converts and validates pointers, all of them before it has any effect. The Env validates names, kinds and
// codes.
//
// The functions are in the imports_*.go files. Their comments show the arguments in short: name* is a pointer and a
// length, and buf is a buffer of the guest and its length.
type hostFunc func(c *callContext, s []uint64) uint64

// envFuncs are the host functions that need an Env. Together with basicFuncs they are all functions of abi.Imports.
var envFuncs = map[string]hostFunc{
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

// basicFuncs are the host functions that also work without an Env.
var basicFuncs = map[string]hostFunc{
	"log":  hostLog,
	"now":  hostNow,
	"fail": hostFail,
	"read": hostRead,
}

// findHostFunc returns the host function of an import.
func findHostFunc(name string) (f hostFunc, needsEnv, ok bool) {
	if f, ok = envFuncs[name]; ok {
		return f, true, true
	}
	f, ok = basicFuncs[name]
	return f, false, ok
}

// callHostFunc returns the function that wazero calls for a hostFunc.
func callHostFunc(f hostFunc, needsEnv bool) api.GoModuleFunc {
	return func(ctx context.Context, mod api.Module, s []uint64) {
		c := callOf(ctx)
		if c.mem == nil {
			c.mem = mod.Memory()
		}
		c.chargeFuel(abi.CallFuel)
		if needsEnv && c.env == nil {
			s[0] = errnoOf(abi.State)
			return
		}
		s[0] = f(c, s)
	}
}

// deniedHostFunc returns the function that wazero calls for a host function that the route does not allow. It returns
// PERM.
func deniedHostFunc(resultType abi.ValType) api.GoModuleFunc {
	result := errnoOf(abi.Perm)
	if resultType == abi.I64 {
		result = api.EncodeI64(int64(abi.Perm))
	}
	return func(ctx context.Context, _ api.Module, s []uint64) {
		callOf(ctx).chargeFuel(abi.CallFuel)
		s[0] = result
	}
}

// instantiateHost adds the wanted functions of module abi.Module to a runtime. Functions that the guest does not import
// are left out, because each one costs some compiled code. Functions of the capabilities in without return PERM.
func instantiateHost(ctx context.Context, rt wazero.Runtime, wanted map[string]bool, without []abi.Capability) error {
	b := rt.NewHostModuleBuilder(abi.Module)
	for _, def := range abi.Imports {
		if !wanted[def.Name] {
			continue
		}
		f, needsEnv, ok := findHostFunc(def.Name)
		if !ok {
			return fmt.Errorf("host function %s.%s is not implemented", abi.Module, def.Name)
		}
		fn := callHostFunc(f, needsEnv)
		if c, ok := abi.CapabilityOf(def.Name, false); ok && slices.Contains(without, c) {
			fn = deniedHostFunc(def.Result)
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
