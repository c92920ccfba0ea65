package query

import (
	"context"
	"encoding/json"
	"slices"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// Every change of the view leaves a notice on a stream of its own, in the same
// write. A notice says what has changed and no more; what is there to be seen is
// read from the view at the moment of sending. So whatever was taken back since
// is not told, however late somebody catches up.

const (
	changesStream = "{query}:changes"
	// keptChanges is how many notices are kept, at about 250 bytes each. A process
	// that falls further behind than that has its clients read everything anew.
	keptChanges = 10_000
)

// The types of notices.
const (
	typePostChanged    = "PostChanged"
	typeCommentChanged = "CommentChanged"
	typeViewReplaced   = "ViewReplaced" // by another generation: what was shown may all be different
)

// subject is what a change is about: a post, or a comment if that is not "".
type subject struct{ post, comment string }

// notice is the data of a notice: ids, named as in the events, and the version
// that the view has now, 0 for a deletion or where no owner has numbered it.
type notice struct {
	PostID  string `json:"postId,omitempty"`
	ID      string `json:"id"`
	Version int64  `json:"version,omitempty"`
}

// note returns the notice of a change.
func (s subject) note(version int64) *bus.Note {
	typ, n := typePostChanged, notice{ID: s.post, Version: version}
	if s.comment != "" {
		typ, n = typeCommentChanged, notice{PostID: s.post, ID: s.comment, Version: version}
	}
	data, _ := json.Marshal(n) // texts and numbers always encode
	return &bus.Note{
		Stream: changesStream, MaxLen: keptChanges,
		Fields: []string{"type", typ, "data", string(data), "subject", s.post},
	}
}

// replaced returns the notice that another generation is read from now on.
func replaced() *bus.Note {
	return &bus.Note{Stream: changesStream, MaxLen: keptChanges, Fields: []string{"type", typeViewReplaced, "data", "{}"}}
}

// replacedIn reports whether the entries tell that the whole view is another.
func replacedIn(entries []bus.Entry) bool {
	return slices.ContainsFunc(entries, func(e bus.Entry) bool { return e.Event.Type == typeViewReplaced })
}

// change is a notice in its place on the stream.
type change struct {
	id    bus.ID
	about subject
}

// changesOf reads notices; what is none is left out.
func changesOf(entries []bus.Entry) []change {
	changes := make([]change, 0, len(entries))
	for _, e := range entries {
		var n notice
		if json.Unmarshal(e.Event.Data, &n) != nil || n.ID == "" {
			continue
		}
		switch {
		case e.Event.Type == typePostChanged:
			changes = append(changes, change{e.ID, subject{post: n.ID}})
		case e.Event.Type == typeCommentChanged && n.PostID != "":
			changes = append(changes, change{e.ID, subject{n.PostID, n.ID}})
		}
	}
	return changes
}

// subjectsOf returns what the changes are about, each once.
func subjectsOf(changes []change) []subject {
	seen := make(map[subject]bool, len(changes))
	subjects := make([]subject, 0, len(changes))
	for _, c := range changes {
		if !seen[c.about] {
			seen[c.about] = true
			subjects = append(subjects, c.about)
		}
	}
	return subjects
}

// noticed returns the id of the last notice, zero if there is none.
func (s *store) noticed(ctx context.Context) (bus.ID, error) {
	last, err := s.bus.Redis().XRevRangeN(ctx, changesStream, "+", "-", 1).Result()
	if err != nil || len(last) == 0 {
		return bus.ID{}, bus.Err("look at the notices", err)
	}
	return bus.ParseID(last[0].ID)
}

// The types of server-sent events. A client that has had hello or resync reads
// the pages it shows; from then on, the others keep them up to date.
const (
	eventHello          = "hello"           // {}; its id is where the stream begins
	eventResync         = "resync"          // {}; changes may have been missed
	eventPost           = "post"            // a postView
	eventPostDeleted    = "post-deleted"    // a deletedPost
	eventComment        = "comment"         // a commentChange
	eventCommentDeleted = "comment-deleted" // a deletedComment
	eventHeartbeat      = "heartbeat"       // {}; nothing has happened, and the stream lives
)

type deletedPost struct {
	ID string `json:"id"`
}

// commentChange is a comment as it is shown now, and what its post now counts.
type commentChange struct {
	PostID       string      `json:"postId"`
	CommentCount int64       `json:"commentCount"`
	Comment      commentView `json:"comment"`
}

type deletedComment struct {
	PostID       string `json:"postId"`
	CommentCount int64  `json:"commentCount"`
	ID           string `json:"id"`
}

func message(event string, data any) web.Message {
	text, _ := json.Marshal(data) // the types above always encode: their times have four-digit years
	return web.NewMessage(event, string(text))
}

// A change goes to everybody who follows the feed, so it is short. Whoever shows the
// whole text reads it from there.
const (
	// changeCut is how many characters of a text come with a change.
	changeCut = 2_000
	// maxChange is how many bytes a change may have; of a post with long comments,
	// briefCut characters of each text come then.
	maxChange = 48 << 10
	briefCut  = 200
)

// postMessage is what there is to be seen of a post.
func (s subject) postMessage(shown postView, ok bool) web.Message {
	if !ok {
		return message(eventPostDeleted, deletedPost{s.post})
	}
	shown.cut(changeCut)
	size := len(shown.Title) + len(shown.Body)
	for _, c := range shown.Comments {
		size += len(c.Content) + len(c.Author)
	}
	if size > maxChange {
		shown.cut(briefCut)
		for i := range shown.Comments {
			shown.Comments[i].cut(briefCut)
		}
	}
	return message(eventPost, shown)
}

// commentMessage is what there is to be seen of a comment; nothing if its post is
// not shown.
func (s subject) commentMessage(p post, approved int64, c comment) web.Message {
	switch {
	case !p.shown():
		return message(eventCommentDeleted, deletedComment{PostID: s.post, ID: s.comment})
	case !c.shown():
		return message(eventCommentDeleted, deletedComment{PostID: s.post, CommentCount: approved, ID: s.comment})
	default:
		shown := c.view()
		shown.cut(changeCut)
		return message(eventComment, commentChange{PostID: s.post, CommentCount: approved, Comment: shown})
	}
}
