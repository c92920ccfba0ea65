package e2e

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

// fact is what an entry of a stream says of a post or a comment.
type fact struct {
	typ                                string
	ID, PostID, Title, Content, Status string
	Version, Decision                  int64
}

func (f fact) deleted() bool { return f.typ == "PostDeleted" || f.typ == "CommentDeleted" }

// text is what the fact's author wrote.
func (f fact) text() string { return f.Title + f.Content }

// account is the fold of the streams in its simplest form: with writers that are
// the services alone, the last event on a thing says how it stands.
type account struct {
	entries  int
	last     map[string]fact     // by id of the post or comment
	all      map[string][]fact   // what its owner said, in order
	verdicts map[string][]fact   // what the moderator said, in order
	history  map[string][]string // everything, for people
	texts    map[string]int      // how often a text was written
	twice    []violation         // events that are there twice
}

// readStreams reads everything that the services ever wrote.
func (c *chaos) readStreams() *account {
	c.t.Helper()
	a := &account{
		last: map[string]fact{}, all: map[string][]fact{}, verdicts: map[string][]fact{},
		history: map[string][]string{}, texts: map[string]int{},
	}
	client := c.redis.Client()
	events := map[string]bool{}
	for _, name := range services {
		from := "-"
		for {
			page, err := client.XRangeN(c.t.Context(), "{"+name+"}:events", from, "+", 1000).Result()
			if err != nil {
				c.t.Fatal(err)
			}
			for _, m := range page {
				if err := a.add(name, m, events); err != nil {
					c.t.Fatalf("%s of %s: %v", m.ID, name, err)
				}
			}
			if len(page) < 1000 {
				break
			}
			from = "(" + page[len(page)-1].ID
		}
	}
	return a
}

func (a *account) add(service string, m redis.XMessage, events map[string]bool) error {
	a.entries++
	data, _ := m.Values["data"].(string)
	var f fact
	if err := json.Unmarshal([]byte(data), &f); err != nil {
		return err
	}
	f.typ, _ = m.Values["type"].(string)
	id, _ := m.Values["id"].(string)
	a.history[f.ID] = append(a.history[f.ID], fmt.Sprintf("%s %s %s %s", m.ID, f.typ, id, data))
	if events[id] {
		a.twice = append(a.twice, violation{id: f.ID, what: "event " + id + " is there twice"})
	}
	events[id] = true
	if service == "moderator" {
		a.verdicts[f.ID] = append(a.verdicts[f.ID], f)
		return nil
	}
	a.last[f.ID] = f
	a.all[f.ID] = append(a.all[f.ID], f)
	if f.typ != "CommentUpdated" && !f.deleted() {
		a.texts[f.text()]++
	}
	return nil
}

// standing returns what is there and not deleted.
func (a *account) standing() (posts, comments map[string]fact) {
	posts, comments = map[string]fact{}, map[string]fact{}
	for id, f := range a.last {
		switch {
		case f.deleted():
		case f.PostID == "":
			posts[id] = f
		default:
			comments[id] = f
		}
	}
	return posts, comments
}

// violations returns what the streams say that cannot be: an effect that was had
// twice or left out, a second verdict, a life after deletion.
func (a *account) violations() []violation {
	wrong := slices.Clone(a.twice)
	for id, facts := range a.all {
		add := func(format string, args ...any) {
			wrong = append(wrong, violation{id: id, what: fmt.Sprintf(format, args...)})
		}
		judged := false
		for i, f := range facts {
			created := f.typ == "PostCreated" || f.typ == "CommentCreated"
			switch {
			case f.Version != int64(i+1):
				add("its change %d has version %d", i+1, f.Version)
			case created != (i == 0):
				add("%s is its change %d", f.typ, i+1)
			case f.deleted() && i != len(facts)-1:
				add("there is a life after its deletion")
			case f.typ == "CommentUpdated" && judged:
				add("version %d is a second verdict on one text", f.Version)
			}
			judged = f.typ == "CommentUpdated"
		}
	}
	for id, verdicts := range a.verdicts {
		versions := map[int64]bool{}
		for i, f := range verdicts {
			if f.Decision != int64(i+1) || versions[f.Version] {
				wrong = append(wrong, violation{id: id, what: fmt.Sprintf("verdict %d has decision %d on version %d", i+1, f.Decision, f.Version)})
			}
			versions[f.Version] = true
		}
	}
	return wrong
}
