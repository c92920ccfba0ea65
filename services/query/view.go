package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// view is one generation, as a writer takes it.
type view struct {
	number int
	epoch  string // what it was registered under; a write fails under another
	live   bool   // so that its changes are news
	// filling says that history is folded into it, which can be done again later.
	filling bool
	legacy  bool // of schema 1, with an order for all comments and a set of the approved
}

// prefix begins every key of the generation.
func (v view) prefix() string { return "{query}:" + strconv.Itoa(v.number) + ":" }

func (v view) feed() string                { return v.prefix() + "feed" }
func (v view) post(id string) string       { return v.prefix() + "post:" + id }
func (v view) comments(post string) string { return v.prefix() + "comments:" + post }
func (v view) approved(post string) string { return v.prefix() + "approved:" + post }
func (v view) others(post string) string   { return v.prefix() + "others:" + post }
func (v view) order(post string) string    { return v.prefix() + "order:" + post } // legacy

// place is where a comment stands under its post: in which set, as which member.
// The zero place is nowhere.
type place struct{ key, member string }

// place returns where the comment stands. What is shown of one that is not approved
// is all in its member.
func (v view) place(postID string, c comment) place {
	member := bus.TimeKey(c.Created.At, c.ID)
	switch {
	case !c.shown():
		return place{}
	case v.legacy:
		return place{v.order(postID), member}
	case c.approved():
		return place{v.approved(postID), member}
	default:
		return place{v.others(postID), otherMember(c)}
	}
}

// moved returns what takes a comment from one place to another.
func (v view) moved(from, to place) []bus.Index {
	if from == to {
		return nil
	}
	var index []bus.Index
	if from != (place{}) {
		index = append(index, bus.Index{Verb: bus.ZRem, Key: from.key, Member: from.member})
	}
	if to != (place{}) {
		index = append(index, bus.Index{Verb: bus.ZAdd, Key: to.key, Member: to.member})
	}
	return index
}

// counted returns what a generation of schema 1 needs to count the approved comments.
func (v view) counted(postID, id string, was, is bool) []bus.Index {
	switch {
	case !v.legacy || was == is:
		return nil
	case is:
		return []bus.Index{{Verb: bus.SAdd, Key: v.approved(postID), Member: id}}
	default:
		return []bus.Index{{Verb: bus.SRem, Key: v.approved(postID), Member: id}}
	}
}

// otherMember is "time id status version" of a comment that is not approved.
func otherMember(c comment) string {
	return bus.TimeKey(c.Created.At, c.ID) + " " + string(c.Status.Value) + " " + strconv.FormatInt(c.version(), 10)
}

// parseOther reads what otherMember has written.
func parseOther(member string) (commentView, error) {
	parts := strings.SplitN(member, " ", 4)
	if len(parts) != 4 {
		return commentView{}, fmt.Errorf("the stored view is damaged: %q is no comment's place", member)
	}
	created, err := time.Parse(time.RFC3339Nano, parts[0])
	if err != nil {
		return commentView{}, fmt.Errorf("the stored view is damaged: %q is no comment's place", member)
	}
	version, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return commentView{}, fmt.Errorf("the stored view is damaged: %q is no comment's place", member)
	}
	return commentView{ID: parts[1], Status: event.Status(parts[2]), CreatedAt: created, Version: version}, nil
}

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
