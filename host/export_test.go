package host

// ConnectionsOf is Connections for ids that were listed before.
func (h *Host) ConnectionsOf(route string, ids []uint64, limit int) ([]ConnInfo, error) {
	return h.describeConns(ids, "", limit, h.runtime(route))
}
