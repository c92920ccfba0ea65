package query

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
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
	inFeed = 20
	// maxSearched bounds how many comments are looked at to find the approved.
	maxSearched = 1_000
	atomType    = "application/atom+xml; charset=utf-8"
	feedTitle   = "Newsfeed"
	anonymous   = "anonymous" // an Atom author has a name
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
	posts, _, err := f.store.readPosts(r.Context(), "", inFeed, 1)
	if err != nil {
		return err
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
	return writeFeed(w, r, feed)
}

func (f feeds) comments(w http.ResponseWriter, r *http.Request) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	p, _, err := f.store.post(r.Context(), id)
	if err != nil {
		return err
	}
	comments, err := f.store.latestApproved(r.Context(), id)
	if err != nil {
		return err
	}
	path := "/posts/" + url.PathEscape(id) + "/comments.atom"
	feed := f.feed("comments:"+id, "Comments on "+cmp.Or(p.Title, "a post"), f.public.post(id), path, p.CreatedAt)
	for _, c := range comments {
		updated := latest(c.Created.At, c.Content.Entry, c.Author.Entry, c.Status.Entry)
		e := entry("comment:"+id+":"+c.ID, "Comment on "+cmp.Or(p.Title, "a post"), c.Author.Value, c.Created.At, updated, c.Content.Value)
		e.Links = []atomLink{{Rel: "alternate", Type: "text/html", Href: f.public.post(id)}}
		feed.add(e)
	}
	return writeFeed(w, r, feed)
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

func writeFeed(w http.ResponseWriter, r *http.Request, feed *atomFeed) error {
	var buf bytes.Buffer
	buf.WriteString(xml.Header)
	if err := xml.NewEncoder(&buf).Encode(feed); err != nil {
		return err
	}
	buf.WriteByte('\n')
	web.WriteCachedBody(w, r, atomType, buf.Bytes())
	return nil
}

// latestApproved returns the latest approved comments of a post, the newest first.
func (s *store) latestApproved(ctx context.Context, postID string) ([]comment, error) {
	var found []comment
	var after string
	for searched := 0; searched < maxSearched; searched += web.MaxLimit {
		comments, last, err := s.commentsBack(ctx, postID, after, web.MaxLimit)
		if err != nil {
			return nil, err
		}
		for _, c := range comments {
			if !c.approved() {
				continue
			}
			if found = append(found, c); len(found) == inFeed {
				return found, nil
			}
		}
		if last == "" {
			break
		}
		after = last
	}
	return found, nil
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
