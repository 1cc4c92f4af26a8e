package host

import "reflect"

// APIOperations lists what the API serves: method, path, name.
func APIOperations() (list []string) {
	for _, o := range (&api{}).operations() {
		list = append(list, o.method+" "+o.path+" "+o.name)
	}
	return list
}

// APITypes are the types of the API that are not public, by the names of their schemas.
func APITypes() map[string]reflect.Type {
	return map[string]reflect.Type{
		"Publication":   reflect.TypeFor[apiPublication](),
		"Batch":         reflect.TypeFor[apiBatch](),
		"BatchResult":   reflect.TypeFor[batchResults](),
		"Disconnection": reflect.TypeFor[apiDisconnection](),
		"RouteName":     reflect.TypeFor[apiRoute](),
		"Problem":       reflect.TypeFor[problem](),
	}
}

// ConnectionsOf is Connections where ids have been listed already.
func (h *Host) ConnectionsOf(route string, ids []uint64, limit int) ([]ConnInfo, error) {
	return h.describeConns(ids, "", limit, h.runtime(route))
}
