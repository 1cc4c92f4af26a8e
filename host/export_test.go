package host

// ConnectionsOf describes the connections of ids that were listed before, as Connections does.
func (h *Host) ConnectionsOf(route string, ids []uint64, limit int) ([]ConnInfo, error) {
	return h.describeConns(ids, "", limit, h.runtime(route))
}
