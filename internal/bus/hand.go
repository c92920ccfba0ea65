package bus

import "github.com/redis/go-redis/v9"

// hand holds what a consumer has read or claimed and not yet acknowledged. It is
// bounded by number and by bytes. Everything in it needs the consumer's mu.
type hand struct {
	entries, bytes int // the bounds
	sizes          map[ID]int
	held           int // bytes
	typical        int // bytes of an entry, by the last ones
}

// firstTaken is how many entries the first read takes, when nothing is known of
// their size: with the largest that the event bus lets in they fill the hand.
const firstTaken = 32

func newHand(o Options) hand {
	return hand{entries: o.InHand, bytes: o.InHandBytes, sizes: map[ID]int{}, typical: o.InHandBytes / firstTaken}
}

func (h *hand) len() int { return len(h.sizes) }

func (h *hand) has(id ID) bool {
	_, ok := h.sizes[id]
	return ok
}

// take reports whether the entry was not in hand before.
func (h *hand) take(id ID, size int) bool {
	if h.has(id) {
		return false
	}
	h.sizes[id] = size
	h.held += size
	return true
}

func (h *hand) drop(id ID) {
	h.held -= h.sizes[id]
	delete(h.sizes, id)
}

// room is how many entries more there is room for if they are like the last ones.
// An empty hand takes one of any size.
func (h *hand) room() int {
	room := min(h.entries-len(h.sizes), (h.bytes-h.held)/max(1, h.typical))
	if len(h.sizes) == 0 {
		room = max(1, room)
	}
	return max(0, room)
}

// measure learns from a read how large entries are: at once that they are larger,
// and in steps that they are smaller.
func (h *hand) measure(tasks []*task) {
	if len(tasks) == 0 {
		return
	}
	sum := 0
	for _, t := range tasks {
		sum += t.size
	}
	h.typical = max(sum/len(tasks), h.typical/2)
}

// sizeOf is about how many bytes a message takes.
func sizeOf(m redis.XMessage) int {
	n := len(m.ID)
	for name, value := range m.Values {
		s, _ := value.(string)
		n += len(name) + len(s)
	}
	return n
}
