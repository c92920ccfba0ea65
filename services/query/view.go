package query

import (
	"strconv"

	"newsfeed/internal/bus"
)

// view is one generation, as a writer takes it.
type view struct {
	number int
	epoch  string // what it was registered under; a write fails under another
	live   bool   // so that its changes are news
	// filling says that history is folded into it, which can be done again later.
	filling bool
}

// prefix begins every key of the generation.
func (v view) prefix() string { return "{query}:" + strconv.Itoa(v.number) + ":" }

func (v view) feed() string                { return v.prefix() + "feed" }
func (v view) post(id string) string       { return v.prefix() + "post:" + id }
func (v view) comments(post string) string { return v.prefix() + "comments:" + post }
func (v view) order(post string) string    { return v.prefix() + "order:" + post }
func (v view) approved(post string) string { return v.prefix() + "approved:" + post }

// change returns what a write into the generation has beside its document.
func (v view) change(index []bus.Index, about subject, version int64) bus.Change {
	c := bus.Change{Index: index, Guard: []bus.Guard{{Key: epochKey, Member: v.epoch}}}
	if v.filling {
		c.Priority = bus.Ordinary
	}
	if v.live {
		c.Note = about.note(version)
	}
	return c
}
