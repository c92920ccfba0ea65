package moderator

import (
	"context"
	_ "embed" // the script
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const (
	stream   = "{moderator}:events"
	idsKey   = "{moderator}:ids"
	queueKey = "{moderator}:queue"
	alarmKey = "{moderator}:alarm"
)

func docKey(comment string) string   { return "{moderator}:doc:" + comment }
func titleKey(post string) string    { return "{moderator}:title:" + post }
func claimKey(comment string) string { return "{moderator}:claim:" + comment }
func paceKey(author string) string   { return "{moderator}:pace:" + author }
func sameKey(hash string) string     { return "{moderator}:same:" + hash }

// authorKey holds the comments of an author that have this verdict.
func authorKey(status event.Status, author string) string {
	return "{moderator}:" + string(status) + ":" + author
}

// maxTries bounds how often a verdict is made anew because another came first.
const maxTries = 20

//go:embed lua/own.lua
var ownLua string

// store keeps verdicts in Redis.
type store struct {
	bus *bus.Bus
	own *bus.Script
}

func newStore(b *bus.Bus) *store { return &store{bus: b, own: bus.NewScript(ownLua)} }

// load returns the last verdict on a comment; see [decision.exists].
func (s *store) load(ctx context.Context, comment string) (decision, bus.Doc, error) {
	doc, err := s.bus.Load(ctx, docKey(comment), "")
	if err != nil {
		return decision{}, doc, err
	}
	d, err := decode(doc)
	return d, doc, err
}

// loadAll returns the records of those of the comments that exist.
func (s *store) loadAll(ctx context.Context, comments []string) ([]decision, error) {
	keys := make([]string, len(comments))
	for i, id := range comments {
		keys[i] = docKey(id)
	}
	docs, err := s.bus.LoadAll(ctx, keys...)
	if err != nil {
		return nil, err
	}
	found := make([]decision, 0, len(docs))
	for _, doc := range docs {
		d, err := decode(doc)
		if err != nil {
			return nil, err
		}
		if d.exists() {
			found = append(found, d)
		}
	}
	return found, nil
}

// next is what follows a record, and whether anything does.
type next func(last decision) (decision, bool, error)

// change stores what follows the record of a comment: a verdict together with
// its event, or that the comment has been deleted. f may be asked again if
// another change comes in between; when it returns false nothing is written. The
// record as it is then is returned.
func (s *store) change(ctx context.Context, comment string, f next) (decision, error) {
	last, doc, err := s.load(ctx, comment)
	if err != nil {
		return last, err
	}
	return s.changeFrom(ctx, last, doc, f)
}

// changeFrom is change for a record that has been loaded.
func (s *store) changeFrom(ctx context.Context, last decision, doc bus.Doc, f next) (decision, error) {
	for range maxTries {
		d, changed, err := f(last)
		if err != nil || !changed {
			return last, err
		}
		err = s.commit(ctx, doc, last, d)
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return d, err
		}
		doc = conflict.Now
		if last, err = decode(doc); err != nil {
			return last, err
		}
	}
	return last, fmt.Errorf("the verdict on comment %s keeps changing", last.ID)
}

func (s *store) commit(ctx context.Context, was bus.Doc, last, d decision) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	c := bus.Change{Key: docKey(d.ID), Want: was, Doc: doc, Index: indexes(last, d)}
	if !d.Deleted {
		if c.Event, err = d.event(); err != nil {
			return err
		}
		c.Stream = stream
	}
	_, err = s.bus.Commit(ctx, c)
	return err
}

// indexes returns what takes a comment from its places in the lists to its new ones.
func indexes(last, d decision) []bus.Index { return moved(places(last), places(d)) }

// moved returns what takes something from the places where it was to those where it is.
func moved(was, is []bus.Index) []bus.Index {
	var index []bus.Index
	for _, p := range was {
		if !slices.Contains(is, p) {
			p.Verb = map[bus.Verb]bus.Verb{bus.ZAdd: bus.ZRem, bus.SAdd: bus.SRem}[p.Verb]
			index = append(index, p)
		}
	}
	for _, p := range is {
		if !slices.Contains(was, p) {
			index = append(index, p)
		}
	}
	return index
}

// places returns the lists that a comment is in.
func places(d decision) []bus.Index {
	if !d.exists() {
		return nil
	}
	in := []bus.Index{{Verb: bus.ZAdd, Key: idsKey, Member: bus.TimeKey(d.Entry.Time(), d.ID)}}
	if !d.Held.IsZero() {
		in = append(in, bus.Index{Verb: bus.ZAdd, Key: queueKey, Member: bus.TimeKey(d.Held, d.ID)})
	}
	for _, author := range d.authors() {
		in = append(in, bus.Index{Verb: bus.SAdd, Key: authorKey(d.Status, author), Member: d.ID})
	}
	return in
}

// decode reads a stored record; where there has been none its number is 0.
func decode(doc bus.Doc) (decision, error) {
	var d decision
	if !doc.Exists() {
		return d, nil
	}
	if err := json.Unmarshal(doc.JSON, &d); err != nil {
		return d, fmt.Errorf("stored verdict: %w", err)
	}
	return d, nil
}

// title is what is known of a post's title, as of an entry.
type title struct {
	Title   string `json:"title"`
	Entry   bus.ID `json:"entry"`
	Deleted bool   `json:"deleted,omitempty"`
}

// retitle notes the title of a post; of several the one of the latest entry stays,
// and none once the post has been deleted.
func (s *store) retitle(ctx context.Context, post string, now title) error {
	var doc bus.Doc
	for range maxTries {
		var was title
		if doc.Exists() {
			if err := json.Unmarshal(doc.JSON, &was); err != nil {
				return fmt.Errorf("stored title: %w", err)
			}
		}
		if was.Deleted || !now.Deleted && !now.Entry.After(was.Entry) {
			return nil
		}
		value, err := json.Marshal(now)
		if err != nil {
			return err
		}
		_, err = s.bus.Commit(ctx, bus.Change{Key: titleKey(post), Want: doc, Doc: value})
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return err
		}
		doc = conflict.Now
	}
	return fmt.Errorf("the title of post %s keeps changing", post)
}

// titles returns the titles of posts, "" for one that is not known.
func (s *store) titles(ctx context.Context, posts []string) ([]string, error) {
	keys := make([]string, len(posts))
	for i, id := range posts {
		keys[i] = titleKey(id)
	}
	docs, err := s.bus.LoadAll(ctx, keys...)
	if err != nil {
		return nil, err
	}
	titles := make([]string, len(docs))
	for i, doc := range docs {
		var t title
		if doc.Exists() {
			if err := json.Unmarshal(doc.JSON, &t); err != nil {
				return nil, fmt.Errorf("stored title: %w", err)
			}
		}
		titles[i] = t.Title
	}
	return titles, nil
}
