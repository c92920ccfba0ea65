package query

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// Feeds are Atom documents (RFC 4287). Ids never change, whatever becomes of the
// address, and nothing in them depends on the time of asking, so that the ETag
// changes only with what is shown.

const (
	// inFeed is how many entries a feed has, the newest first.
	inFeed    = 20
	atomType  = "application/atom+xml; charset=utf-8"
	feedTitle = "Newsfeed"
	anonymous = "anonymous" // an Atom author has a name
	// urn begins the ids of feeds and entries.
	urn = "urn:newsfeed:"
)

// PublicURL is an absolute http or https address without query or fragment.
type PublicURL string

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *PublicURL) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" ||
		parsed.RawQuery != "" || parsed.Fragment != "" || parsed.User != nil {
		return errors.New("is not an address such as https://feed.example")
	}
	*u = PublicURL(strings.TrimRight(parsed.String(), "/"))
	return nil
}

// api is the address under which the page's server passes on to this service.
func (u PublicURL) api(path string) string { return string(u) + "/api/query" + path }

func (u PublicURL) post(id string) string { return string(u) + "/posts/" + url.PathEscape(id) }

// feeds answers with what feed readers take.
type feeds struct {
	store  *store
	cache  *cache
	public PublicURL
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
	// Author is for feeds without entries, which must have one (section 4.1.1).
	Author *atomAuthor `xml:"author"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

type atomEntry struct {
	ID        string     `xml:"id"`
	Title     string     `xml:"title"`
	Author    atomAuthor `xml:"author"`
	Published string     `xml:"published"`
	Updated   string     `xml:"updated"`
	Links     []atomLink `xml:"link"`
	Content   atomText   `xml:"content"`
}

// atomText is plain text: a Markdown body reads well as it is, and nothing in it
// can be taken for markup.
type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

func (f feeds) posts(w http.ResponseWriter, r *http.Request) error {
	return f.cache.serve(w, r, pageKey{path: "/feed.atom"}, loader{elements: inFeed, read: func(ctx context.Context) (*web.Rendered, bus.ID, error) {
		posts, _, version, err := f.store.readPosts(ctx, "", inFeed, 0)
		if err != nil {
			return nil, version, err
		}
		feed := f.feed("feed", feedTitle, string(f.public)+"/", "/feed.atom", time.Unix(0, 0))
		for _, p := range posts {
			updated := latest(p.Created.At, p.Title.Entry, p.Body.Entry, p.Author.Entry)
			e := entry("post:"+p.ID, p.Title.Value, p.Author.Value, p.Created.At, updated, p.Body.Value)
			e.Links = []atomLink{
				{Rel: "alternate", Type: "text/html", Href: f.public.post(p.ID)},
				{Rel: "replies", Type: "application/atom+xml", Href: f.public.api("/posts/" + url.PathEscape(p.ID) + "/comments.atom")},
			}
			feed.add(e)
		}
		answer, err := renderFeed(feed)
		return answer, version, err
	}})
}

func (f feeds) comments(w http.ResponseWriter, r *http.Request) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	key := pageKey{path: "/posts/" + id + "/comments.atom"}
	return f.cache.serve(w, r, key, loader{elements: inFeed, read: func(ctx context.Context) (*web.Rendered, bus.ID, error) {
		page, version, err := f.store.readComments(ctx, id, "", inFeed, readBudget, "back")
		if err == nil && !page.post.shown() {
			err = fmt.Errorf("%w: post %s", web.ErrNotFound, id)
		}
		if err != nil {
			return nil, version, err
		}
		answer, err := renderFeed(f.commentsFeed(page.post, page.approved))
		return answer, version, err
	}})
}

// commentsFeed is the feed of a post's comments, of which it gets the newest first.
func (f feeds) commentsFeed(p post, comments []comment) *atomFeed {
	title := "Comments on " + cmp.Or(p.Title.Value, "a post")
	path := "/posts/" + url.PathEscape(p.ID) + "/comments.atom"
	feed := f.feed("comments:"+p.ID, title, f.public.post(p.ID), path, p.Created.At)
	for _, c := range comments {
		updated := latest(c.Created.At, c.Content.Entry, c.Author.Entry, c.Status.Entry)
		e := entry("comment:"+p.ID+":"+c.ID, "Comment on "+cmp.Or(p.Title.Value, "a post"), c.Author.Value, c.Created.At, updated, c.Content.Value)
		e.Links = []atomLink{{Rel: "alternate", Type: "text/html", Href: f.public.post(p.ID)}}
		feed.add(e)
	}
	return feed
}

// feed returns a feed without entries, which has been updated at no other time
// than since.
func (f feeds) feed(id, title, page, path string, since time.Time) *atomFeed {
	return &atomFeed{
		ID: urn + id, Title: title, Updated: stamp(since), Author: &atomAuthor{feedTitle},
		Links: []atomLink{
			{Rel: "self", Type: "application/atom+xml", Href: f.public.api(path)},
			{Rel: "alternate", Type: "text/html", Href: page},
		},
	}
}

func entry(id, title, author string, created, updated time.Time, content string) atomEntry {
	return atomEntry{
		ID: urn + id, Title: cmp.Or(title, "untitled"), Author: atomAuthor{cmp.Or(author, anonymous)},
		Published: stamp(created), Updated: stamp(updated), Content: atomText{"text", content},
	}
}

// add adds an entry, whose update is one of the feed. Times of a fixed form
// compare as texts.
func (f *atomFeed) add(e atomEntry) {
	f.Entries = append(f.Entries, e)
	f.Updated = max(f.Updated, e.Updated)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// renderFeed renders as many of the entries as fit into the budget of an answer, but
// at least the first. Signs that XML writes long make a feed longer than its texts.
func renderFeed(feed *atomFeed) (*web.Rendered, error) {
	entries, size := feed.Entries, 0
	feed.Entries = nil
	for i, e := range entries {
		text, err := xml.Marshal(e)
		if err != nil {
			return nil, err
		}
		if size += len(text); i > 0 && size > web.AnswerBudget {
			break
		}
		feed.Entries = append(feed.Entries, e)
	}
	var buf bytes.Buffer
	buf.WriteString(xml.Header)
	if err := xml.NewEncoder(&buf).Encode(feed); err != nil {
		return nil, err
	}
	buf.WriteByte('\n')
	return web.RenderBody(atomType, buf.Bytes()), nil
}

// latest returns the time of the last of the entries, or t if that is later.
func latest(t time.Time, entries ...bus.ID) time.Time {
	for _, id := range entries {
		if at := id.Time(); at.After(t) {
			t = at
		}
	}
	return t
}
