package hub

// TopicKind is the kind of a topic.
type TopicKind uint8

// A topic is a room or a user.
const (
	RoomTopic TopicKind = iota
	UserTopic
)

// notifyTopic calls Options.Topics; mu is held.
func (h *Hub) notifyTopic(k TopicKind, name string, here bool) {
	if h.opts.Topics != nil {
		h.opts.Topics(k, name, here)
	}
}
