package query

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// element is an XML element with what is in it.
type element struct {
	name     xml.Name
	attrs    map[string]string
	children []*element
	text     string
}

const atomSpace = "http://www.w3.org/2005/Atom"

// parseXML reads a document whole; it takes no entities and no doctype.
func parseXML(r io.Reader) (*element, error) {
	dec := xml.NewDecoder(r)
	root := &element{}
	open := []*element{root}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		top := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			e := &element{name: t.Name, attrs: map[string]string{}}
			for _, a := range t.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			top.children = append(top.children, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			top.text += string(t)
		case xml.Directive:
			return nil, fmt.Errorf("a doctype: %s", t)
		}
	}
	if len(root.children) != 1 || strings.TrimSpace(root.text) != "" {
		return nil, errors.New("not one element")
	}
	return root.children[0], nil
}

// checker holds a document to RFC 4287; the numbers are those of its sections.
type checker struct{ wrong []string }

func (c *checker) fail(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// only checks which elements an element has, and how often at most (0: any number).
func (c *checker) only(e *element, allowed map[string]int) map[string][]*element {
	have := map[string][]*element{}
	if strings.TrimSpace(e.text) != "" {
		c.fail("%s has the text %q", e.name.Local, e.text)
	}
	for _, child := range e.children {
		most, ok := allowed[child.name.Local]
		if !ok || child.name.Space != atomSpace {
			c.fail("%s has a %s of %s", e.name.Local, child.name.Local, child.name.Space)
			continue
		}
		have[child.name.Local] = append(have[child.name.Local], child)
		if n := len(have[child.name.Local]); most > 0 && n > most {
			c.fail("%s has %d of %s", e.name.Local, n, child.name.Local)
		}
	}
	return have
}

// need checks that an element is there, with text, and returns the text.
func (c *checker) need(in string, have map[string][]*element, name string) string {
	if len(have[name]) == 0 {
		c.fail("%s has no %s", in, name)
		return ""
	}
	e := have[name][0]
	if len(e.children) > 0 || e.text == "" {
		c.fail("%s of %s is empty or has elements", name, in)
	}
	return e.text
}

// id is an absolute IRI (4.2.6).
func (c *checker) id(in string, have map[string][]*element) string {
	id := c.need(in, have, "id")
	if u, err := url.Parse(id); err != nil || !u.IsAbs() || strings.ContainsAny(id, " <>\"") {
		c.fail("the id %q of %s is no IRI", id, in)
	}
	return id
}

// date is as RFC 3339 with capital letters (3.3).
func (c *checker) date(in string, have map[string][]*element, name string) time.Time {
	text := c.need(in, have, name)
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || text != strings.ToUpper(text) {
		c.fail("%s of %s is %q", name, in, text)
	}
	return t
}

// links have an absolute href, and of those that are alternate only one of a type (4.1.1, 4.1.2).
func (c *checker) links(in string, have map[string][]*element) map[string]string {
	found, alternate := map[string]string{}, map[string]bool{}
	for _, l := range have["link"] {
		if u, err := url.Parse(l.attrs["href"]); err != nil || !u.IsAbs() || u.Host == "" {
			c.fail("%s has a link to %q", in, l.attrs["href"])
		}
		for a := range l.attrs {
			if !slices.Contains([]string{"href", "rel", "type", "hreflang", "title", "length"}, a) {
				c.fail("%s has a link with %s", in, a)
			}
		}
		if l.attrs["rel"] == "alternate" {
			if key := l.attrs["type"] + l.attrs["hreflang"]; alternate[key] {
				c.fail("%s has two alternates of type %s", in, key)
			} else {
				alternate[key] = true
			}
		}
		found[l.attrs["rel"]] = l.attrs["href"]
	}
	return found
}

// author has exactly one name that is not empty (3.2).
func (c *checker) author(in string, have map[string][]*element) string {
	if len(have["author"]) == 0 {
		return ""
	}
	return c.need("author of "+in, c.only(have["author"][0], map[string]int{"name": 1, "uri": 1, "email": 1}), "name")
}

// read is an entry as a reader takes it.
type read struct{ ID, Title, Author, Content, Page string }

// feed checks a whole feed and returns its entries and its own address.
func (c *checker) feed(root *element) (entries []read, self string) {
	if root.name != (xml.Name{Space: atomSpace, Local: "feed"}) {
		c.fail("the root is %v", root.name)
	}
	have := c.only(root, map[string]int{"id": 1, "title": 1, "updated": 1, "author": 0, "link": 0, "entry": 0, "generator": 1, "subtitle": 1})
	c.id("the feed", have)
	c.need("the feed", have, "title")
	updated := c.date("the feed", have, "updated")
	links := c.links("the feed", have)
	if links["self"] == "" {
		c.fail("the feed has no link to itself")
	}
	feedAuthor := c.author("the feed", have)
	seen := map[string]bool{}
	for _, e := range have["entry"] {
		in := c.only(e, map[string]int{"id": 1, "title": 1, "updated": 1, "published": 1, "author": 0, "link": 0, "content": 1})
		r := read{ID: c.id("an entry", in), Title: c.need("an entry", in, "title"), Author: c.author("an entry", in)}
		if seen[r.ID] {
			c.fail("two entries have the id %s", r.ID)
		}
		seen[r.ID] = true
		if c.date("an entry", in, "updated").After(updated) {
			c.fail("an entry is newer than the feed")
		}
		c.date("an entry", in, "published")
		if r.Author == "" && feedAuthor == "" {
			c.fail("nobody has written %s", r.ID)
		}
		r.Page = c.links("an entry", in)["alternate"]
		if content := in["content"]; len(content) == 0 && r.Page == "" {
			c.fail("an entry has neither content nor an alternate")
		} else if len(content) == 1 {
			if len(content[0].children) > 0 || content[0].attrs["type"] != "text" {
				c.fail("content is not plain text: %v", content[0].attrs)
			}
			r.Content = content[0].text
		}
		entries = append(entries, r)
	}
	return entries, links["self"]
}

// atom gets a feed, checks it and returns its entries.
func (w *world) atom(t *testing.T, path string) ([]read, *httptest.ResponseRecorder) {
	t.Helper()
	answer := httptest.NewRecorder()
	w.router.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != atomType || answer.Header().Get("ETag") == "" {
		t.Fatalf("%s: %d %v %s", path, answer.Code, answer.Header(), answer.Body)
	}
	root, err := parseXML(strings.NewReader(answer.Body.String()))
	if err != nil {
		t.Fatalf("%s: %v: %s", path, err, answer.Body)
	}
	var c checker
	entries, self := c.feed(root)
	if len(c.wrong) > 0 {
		t.Errorf("%s breaks RFC 4287:\n%s\n%s", path, strings.Join(c.wrong, "\n"), answer.Body)
	}
	if self != string(testURL)+"/api/query"+path {
		t.Errorf("%s says that it is at %s", path, self)
	}
	return entries, answer
}

const testURL PublicURL = "https://feed.example/news"

// happens folds an event into the view, as the nth entry.
func (w *world) happens(t *testing.T, n int, typ, data string) {
	t.Helper()
	e := event.Event{
		Type: typ, Data: []byte(data), ID: fmt.Sprint("e", n), Source: event.Owner(typ), Subject: "p", Time: time.UnixMilli(1_700_000_000_000),
	}
	entry := bus.Entry{Stream: event.Stream(event.Owner(typ)), ID: bus.ID{Ms: 1_700_000_000_000 + uint64(n)}, Event: e}
	if err := w.store.handle(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
}

func commentJSON(id, content, author, status string, created int) string {
	return fmt.Sprintf(`{"postId":"p","id":%q,"content":%q,"author":%q,"status":%q,"createdAt":%q,"version":1}`,
		id, content, author, status, time.UnixMilli(1_700_000_000_000+int64(created)).UTC().Format(time.RFC3339Nano))
}

func TestFeedsAreAtom(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	w := newWorld(t, server.Addr(), 0)
	if entries, _ := w.atom(t, "/feed.atom"); len(entries) != 0 {
		t.Errorf("an empty feed has %v", entries)
	}
	const hostile = "<script>alert('x')</script> & ]]> \"quoted\" &amp; <![CDATA[ é😀 \u2028 end"
	w.happens(t, 1, event.TypePostCreated, fmt.Sprintf(`{"id":"p","title":%q,"body":%q,"author":%q,"createdAt":"2026-01-02T03:04:05Z","version":1}`, hostile, hostile, hostile))
	w.happens(t, 2, event.TypePostCreated, `{"id":"a~b:c.d","title":"","body":"line\u0001one\u000btwo\u0000","createdAt":"2026-01-02T03:04:06Z"}`)
	entries, _ := w.atom(t, "/feed.atom")
	want := []read{
		{"urn:newsfeed:post:a~b:c.d", "untitled", "anonymous", "line�one�two�", "https://feed.example/news/posts/a~b:c.d"},
		{"urn:newsfeed:post:p", hostile, hostile, hostile, "https://feed.example/news/posts/p"},
	}
	if diff := cmp.Diff(want, entries); diff != "" {
		t.Error(diff)
	}

	if entries, _ := w.atom(t, "/posts/p/comments.atom"); len(entries) != 0 {
		t.Errorf("a post without comments has %v", entries)
	}
	for i, status := range []string{"pending", "approved", "rejected", "flagged", "approved"} {
		w.happens(t, 10+i, event.TypeCommentUpdated, commentJSON(fmt.Sprint("c", i), status+" "+hostile, "by "+status, status, i))
	}
	entries, first := w.atom(t, "/posts/p/comments.atom")
	if len(entries) != 2 || entries[0].ID != "urn:newsfeed:comment:p:c4" || entries[1].Content != "approved "+hostile || entries[1].Author != "by approved" {
		t.Errorf("comments: %+v", entries)
	}
	for _, hidden := range []string{"pending", "rejected", "flagged"} {
		if strings.Contains(first.Body.String(), hidden) {
			t.Errorf("the feed shows what is %s: %s", hidden, first.Body)
		}
	}

	// The ETag holds while nothing changes, and a reader who has it gets nothing.
	for path, tag := range map[string]string{"/posts/p/comments.atom": first.Header().Get("ETag")} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("If-None-Match", tag)
		again := httptest.NewRecorder()
		w.router.ServeHTTP(again, r)
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("asked again: %d %s", again.Code, again.Body)
		}
	}
	w.happens(t, 20, event.TypeCommentUpdated, commentJSON("c4", "no longer", "x", "rejected", 4))
	entries, second := w.atom(t, "/posts/p/comments.atom")
	if len(entries) != 1 || second.Header().Get("ETag") == first.Header().Get("ETag") {
		t.Errorf("after the rejection: %+v", entries)
	}
	w.happens(t, 21, event.TypePostDeleted, `{"id":"p"}`)
	if entries, _ := w.atom(t, "/feed.atom"); len(entries) != 1 {
		t.Errorf("after the deletion: %+v", entries)
	}
	for _, path := range []string{"/posts/p/comments.atom", "/posts/unknown/comments.atom"} {
		answer := httptest.NewRecorder()
		w.router.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
}

// Approved comments are found behind many that are not, and a feed has twenty.
func TestFeedFindsTheApproved(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	w := newWorld(t, server.Addr(), 0)
	w.happens(t, 1, event.TypePostCreated, `{"id":"p","title":"a","createdAt":"2026-01-02T03:04:05Z"}`)
	for i := range 30 {
		w.happens(t, 10+i, event.TypeCommentUpdated, commentJSON(fmt.Sprint("old", i), "old", "x", "approved", i))
	}
	for i := range 250 {
		w.happens(t, 100+i, event.TypeCommentCreated, commentJSON(fmt.Sprint("new", i), "new", "x", "pending", 100+i))
	}
	entries, _ := w.atom(t, "/posts/p/comments.atom")
	if len(entries) != inFeed || entries[0].ID != "urn:newsfeed:comment:p:old29" || entries[19].ID != "urn:newsfeed:comment:p:old10" {
		t.Errorf("%d entries: %+v", len(entries), entries)
	}
	for i := range 30 {
		w.happens(t, 1000+i, event.TypePostCreated, fmt.Sprintf(`{"id":"p%d","title":"a","createdAt":"2026-01-03T03:04:05.%03dZ"}`, i, i))
	}
	if entries, _ := w.atom(t, "/feed.atom"); len(entries) != inFeed || entries[0].ID != "urn:newsfeed:post:p29" {
		t.Errorf("%d entries: %+v", len(entries), entries)
	}
}

// The checker sees what is wrong with a feed, else it proves nothing.
func TestTheCheckerOfFeeds(t *testing.T) {
	const good = `<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x:1</id><title>t</title><updated>2026-01-02T03:04:05Z</updated>` +
		`<author><name>n</name></author><link rel="self" href="http://a.example/f"/><entry><id>urn:x:2</id><title>t</title>` +
		`<updated>2026-01-02T03:04:05Z</updated><published>2026-01-02T03:04:05Z</published><link rel="alternate" href="http://a.example/"/>` +
		`<content type="text">c</content></entry></feed>`
	for _, change := range [][2]string{
		{"", ""}, {`xmlns="http://www.w3.org/2005/Atom"`, ""}, {"<id>urn:x:1</id>", ""}, {"<id>urn:x:1</id>", "<id>1</id>"},
		{"<title>t</title>", ""}, {"<title>t</title>", "<title>t</title><title>t</title>"}, {"05Z</updated><author>", "05</updated><author>"},
		{"<author><name>n</name></author>", ""}, {"<name>n</name>", "<name></name>"}, {`href="http://a.example/f"`, `href="/f"`},
		{`rel="self"`, `rel="other"`}, {"<published>", "<published>x"}, {`type="text">c`, `type="text"><b>c</b>`}, {"<entry>", "<entry>text"},
		{"2026-01-02T03:04:05Z</updated><published>", "2027-01-02T03:04:05Z</updated><published>"}, {"</feed>", "<more/></feed>"},
		{"<published>2026-01-02T03:04:05Z</published>", "<published>2026-01-02t03:04:05z</published>"},
	} {
		root, err := parseXML(strings.NewReader(strings.Replace(good, change[0], change[1], 1)))
		if err != nil {
			t.Fatal(err)
		}
		var c checker
		c.feed(root)
		if (len(c.wrong) > 0) != (change[0] != "") {
			t.Errorf("%q in place of %q: found %v", change[1], change[0], c.wrong)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://feed.example": "https://feed.example", "https://feed.example/news/": "https://feed.example/news", "http://localhost:3000": "http://localhost:3000",
		"": "", "feed.example": "", "ftp://feed.example": "", "https://": "", "https://a.example/?x": "", "https://a.example/#x": "", "https://me:pw@a.example": "",
	} {
		var u PublicURL
		err := u.UnmarshalText([]byte(text))
		if string(u) != want || (err == nil) != (want != "") {
			t.Errorf("%q is read as %q (%v), want %q", text, u, err, want)
		}
	}
}
