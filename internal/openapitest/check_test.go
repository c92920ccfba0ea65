package openapitest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tmaxmax/go-sse"
)

const (
	aPost      = `{"id":"p1","title":"t","body":"","author":"","createdAt":"2025-01-02T03:04:05Z","version":1`
	aProblem   = `{"type":"urn:newsfeed:problem:not-found","title":"There is nothing here","status":404}`
	aComment   = `{"id":"c1","content":"","author":"","status":"pending","createdAt":"2025-01-02T03:04:05Z","version":1}`
	aChange    = `{"postId":"p1","commentCount":0,"comment":` + aComment + `}`
	jsonType   = "application/json"
	problem    = "application/problem+json"
	aLocation  = "/posts/0198b0b4-5f6e-7c3a-9d52-3c1f0e8a7b21"
	noAnswer   = "there is no such status"
	carriedOut = "the request was carried out"
)

// exchange is what is given to Check, in the form "METHOD path".
type exchange struct {
	service, request, sent string
	status                 int
	header                 []string // names and values
	body                   string
}

func (e exchange) check(t *testing.T) (*Document, error) {
	t.Helper()
	d, err := Load(e.service)
	if err != nil {
		t.Fatal(err)
	}
	method, path, _ := strings.Cut(e.request, " ")
	u, err := url.Parse("http://localhost" + path)
	if err != nil {
		t.Fatal(err)
	}
	x := Exchange{Method: method, URL: u, RequestBody: []byte(e.sent), Status: e.status, Header: http.Header{}, Body: []byte(e.body)}
	for i := 0; i < len(e.header); i += 2 {
		x.Header.Add(e.header[i], e.header[i+1])
	}
	return d, d.Check(x)
}

func TestCheck(t *testing.T) {
	post := []string{"Content-Type", jsonType, "ETag", `"1"`}
	created := append([]string{"Location", aLocation, "Cache-Control", "no-store"}, post...)
	gone := []string{"Content-Type", problem}
	token := aPost + `,"editToken":"x"}`
	tests := []struct {
		name string
		exchange
		want string // part of the error, "" for none
	}{
		{"a post", exchange{"posts", "GET /posts/p1", "", 200, post, aPost + "}"}, ""},
		{"the charset is no matter", exchange{"posts", "GET /posts/p1", "", 200, []string{"Content-Type", jsonType + "; charset=utf-8", "ETag", `"1"`}, aPost + "}"}, ""},
		{"a page", exchange{"posts", "GET /posts?limit=5", "", 200, append([]string{"Link", `<?cursor=abc>; rel="next"`}, post...), "[" + aPost + "}]"}, ""},
		{"HEAD", exchange{"posts", "HEAD /posts/p1", "", 200, post, ""}, ""},
		{"304", exchange{"posts", "GET /posts/p1", "", 304, []string{"ETag", `"1"`}, ""}, ""},
		{"204", exchange{"posts", "DELETE /posts/p1", "", 204, nil, ""}, ""},
		{"OPTIONS", exchange{"posts", "OPTIONS /posts/p1", "", 204, []string{"Allow", "GET"}, ""}, ""},
		{"a made post", exchange{"posts", "POST /posts", `{"title":"t","body":null}`, 201, created, token}, ""},
		{"not found", exchange{"posts", "GET /posts/p1", "", 404, gone, aProblem}, ""},
		{"no such path", exchange{"posts", "GET /nothing", "", 404, gone, aProblem}, ""},
		{"an encoded slash is no slash", exchange{"posts", "GET /posts/a%2Fb", "", 404, gone, aProblem}, ""},
		{"all is no id", exchange{"comments", "GET /comments/all", "", 200, post, "[]"}, ""},
		{"all has no methods of an id", exchange{"comments", "DELETE /comments/all", "", 405, append([]string{"Allow", "GET"}, gone...),
			strings.NewReplacer("404", "405", "not-found", "method-not-allowed").Replace(aProblem)}, ""},
		{"a write is over the limit", exchange{"posts", "POST /posts", "", 400, append([]string{"RateLimit", `"writes";r=0;t=1`}, gone...),
			strings.NewReplacer("404", "400", "not-found", "invalid").Replace(aProblem)}, ""},
		{"a feed", exchange{"query", "GET /feed.atom", "", 200, []string{"Content-Type", "application/atom+xml; charset=utf-8", "ETag", `"x"`},
			`<?xml version="1.0"?>` + "\n" + `<feed xmlns="http://www.w3.org/2005/Atom"></feed>`}, ""},
		{"another feed", exchange{"query", "GET /feed.atom", "", 200, []string{"Content-Type", "application/atom+xml", "ETag", `"x"`}, "<rss/>"}, "pattern"},
		{"an unread stream", exchange{"query", "GET /posts/stream", "", 200, []string{"Content-Type", "text/event-stream", "Cache-Control", "no-store", "X-Accel-Buffering", "no"}, ""}, ""},

		{"an unknown member", exchange{"posts", "GET /posts/p1", "", 200, post, aPost + `,"deleted":true}`}, "/deleted"},
		{"a token where none should be", exchange{"posts", "GET /posts/p1", "", 200, post, token}, "/editToken"},
		{"a member is missing", exchange{"posts", "GET /posts/p1", "", 200, post, strings.Replace(aPost, `"body":"",`, "", 1) + "}"}, "'body'"},
		{"a member of another type", exchange{"posts", "GET /posts/p1", "", 200, post, strings.Replace(aPost, `:1`, `:"1"`, 1) + "}"}, "/version"},
		{"half a body", exchange{"posts", "GET /posts/p1", "", 200, post, aPost}, "EOF"},
		{"another status", exchange{"posts", "GET /posts/p1", "", 202, post, aPost + "}"}, noAnswer},
		{"default is for what is not seen", exchange{"posts", "GET /posts/p1", "", 500, gone, strings.ReplaceAll(aProblem, "404", "500")}, noAnswer},
		{"another operation", exchange{"posts", "PUT /posts/p1", "", 200, post, aPost + "}"}, "there is no such operation"},
		{"another path", exchange{"posts", "GET /feed", "", 200, post, "[]"}, "there is no such operation"},
		{"no ETag", exchange{"posts", "GET /posts/p1", "", 200, []string{"Content-Type", jsonType}, aPost + "}"}, "the header ETag is missing"},
		{"another Link", exchange{"posts", "GET /posts", "", 200, append([]string{"Link", "<x>"}, post...), "[]"}, "header Link"},
		{"another header", exchange{"posts", "GET /posts/p1", "", 200, append([]string{"Location", "/"}, post...), aPost + "}"}, "the header Location is not documented"},
		{"a rate limit where none is", exchange{"posts", "GET /posts/p1", "", 200, append([]string{"RateLimit", "x"}, post...), aPost + "}"}, "Ratelimit is not documented"},
		{"a body where none is", exchange{"posts", "DELETE /posts/p1", "", 204, nil, "{}"}, "a body is not documented"},
		{"another media type", exchange{"posts", "GET /posts/p1", "", 404, []string{"Content-Type", "text/plain"}, "404"}, `"text/plain" is not documented`},
		{"a problem of another kind", exchange{"posts", "GET /posts/p1", "", 404, gone, strings.Replace(aProblem, "not-found", "invalid", 1)}, "/type"},
		{"an unknown path with no problem", exchange{"posts", "GET /nothing", "", 404, []string{"Content-Type", "text/plain"}, ""}, "not documented"},
		{"405 without Allow", exchange{"posts", "PUT /posts", "", 405, gone, strings.NewReplacer("404", "405", "not-found", "method-not-allowed").Replace(aProblem)}, "the header Allow is missing"},
		{"503 without Retry-After", exchange{"posts", "GET /posts", "", 503, gone, strings.NewReplacer("404", "503", "not-found", "unavailable").Replace(aProblem)}, "the header Retry-After is missing"},
		{"Retry-After is no number", exchange{"posts", "GET /posts", "", 503, append([]string{"Retry-After", "soon"}, gone...), strings.NewReplacer("404", "503", "not-found", "unavailable").Replace(aProblem)}, "no integer"},
		{"an undocumented request", exchange{"posts", "POST /posts", `{"title":"t","status":"approved"}`, 201, created, token}, carriedOut},
		{"no request", exchange{"posts", "POST /posts", ``, 201, created, token}, carriedOut},
		{"too large a page", exchange{"posts", "GET /posts?limit=101", "", 200, post, "[]"}, carriedOut},
		{"another parameter", exchange{"posts", "GET /posts?page=1", "", 200, post, "[]"}, "parameter page"},
		{"a path that is no id", exchange{"posts", "GET /posts/%00", "", 200, post, aPost + "}"}, carriedOut},
		{"unapproved text", exchange{"query", "GET /posts/p1/comments", "", 200, post, "[" + strings.Replace(aComment, `"content":""`, `"content":"x"`, 1) + "]"}, "/content"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.check(t)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestCheckEvent(t *testing.T) {
	d, err := Load("query")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []sse.Event{
		{Type: "hello", LastEventID: "1-0", Data: "{}"},
		{Type: "post-deleted", LastEventID: "1-0", Data: `{"id":"p1"}`},
		{Type: "comment", LastEventID: "1-0", Data: aChange},
		{Type: "heartbeat", LastEventID: "", Data: "{}"},
	} {
		if err := d.CheckEvent("/posts/stream", e); err != nil {
			t.Error(err)
		}
	}
	for _, e := range []sse.Event{
		{Type: "goodbye", LastEventID: "1-0", Data: "{}"},
		{Type: "hello", LastEventID: "", Data: "{}"},
		{Type: "hello", LastEventID: "1-0", Data: `{"more":1}`},
		{Type: "post", LastEventID: "1-0", Data: aChange},
		{Type: "post-deleted", LastEventID: "1-0", Data: `{"id":`},
		{Type: "comment", LastEventID: "1-0", Data: strings.Replace(aChange, `"content":""`, `"content":"unapproved"`, 1)},
	} {
		if err := d.CheckEvent("/posts/stream", e); err == nil {
			t.Errorf("%v passes", e)
		}
	}
	if err := d.CheckEvent("/posts", sse.Event{Type: "hello", LastEventID: "1-0", Data: "{}"}); err == nil {
		t.Error("a page passes for a stream")
	}
}

func TestUnseen(t *testing.T) {
	seen, err := exchange{"moderator", "GET /livez", "", 200, []string{"Content-Type", jsonType, "Cache-Control", "no-store"}, `{"status":"ok"}`}.check(t)
	if err != nil {
		t.Fatal(err)
	}
	check := "POST /moderation/check "
	var unseen []string
	for _, op := range seen.Unseen() {
		if strings.HasPrefix(op, "GET /readyz ") || strings.HasPrefix(op, "GET /livez ") || strings.HasPrefix(op, check) {
			unseen = append(unseen, op)
		}
	}
	want := []string{"GET /readyz 200", "GET /readyz 503", check + "200", check + "400", check + "401", check + "403", check + "408", check + "413", check + "415", check + "429"}
	if diff := cmp.Diff(want, unseen); diff != "" {
		t.Errorf("unseen after livez (-want +got):\n%s", diff)
	}
	refused, err := exchange{"moderator", "POST /moderation/check", "", 401, []string{"Content-Type", problem, "WWW-Authenticate", "Bearer"},
		strings.NewReplacer("404", "401", "not-found", "unauthorized").Replace(aProblem)}.check(t)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(refused.Unseen(), check+"401") || !strings.Contains(refused.Summary(), check[:len(check)-1]+": 1×401\n") {
		t.Errorf("after a refusal, unseen: %q\n%s", refused.Unseen(), refused.Summary())
	}
}
