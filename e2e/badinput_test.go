package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// badRequest is one that must be refused with this status.
type badRequest struct {
	name   string
	status int
	request
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("A post")
	c := s.newComment(p.ID, "A comment", "Bea")
	s.awaitStatus(c, "approved")

	bad := append(badBodies(p, c), badPaths(p, c)...)
	bad = append(bad, badQueries(p)...)
	bad = append(bad, badHeaders(p, c)...)
	for _, b := range bad {
		t.Run(b.name, func(t *testing.T) {
			for _, replica := range s.replicas[b.service][:1] {
				a, err := s.send(replica, b.request)
				if err != nil {
					t.Fatalf("%s: %v", b, err)
				}
				checkProblem(t, b, a)
			}
		})
	}
	t.Logf("%d requests refused", len(bad))

	s.ready(services...)
	if got := s.must(http.StatusOK, request{service: "posts", path: "/posts/" + p.ID}); read[post](s, got).Version != 1 {
		t.Errorf("the post was changed: %s", got.body)
	}
	if all := list[comment](s, "comments", "/comments/all"); len(all) != 1 || all[0].Content != "A comment" {
		t.Errorf("comments were made or changed: %+v", all)
	}
	s.awaitStatus(s.newComment(s.newPost("Another").ID, "And on", "Bea"), "approved")
}

// checkProblem holds an answer to RFC 9457 and to the status that it must have.
func checkProblem(t *testing.T, b badRequest, a answer) {
	t.Helper()
	if a.status != b.status {
		t.Errorf("%s %.60q: status %d, want %d: %.300s", b, b.body, a.status, b.status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: Content-Type %q", b, got)
	}
	var problem struct {
		Type, Title, Detail string
		Status              int
		Errors              []struct{ Pointer, Parameter, Header, Detail string }
	}
	if err := json.Unmarshal(a.body, &problem); err != nil {
		t.Fatalf("%s: %v: %s", b, err, a.body)
	}
	if problem.Status != a.status || problem.Title == "" || !strings.HasPrefix(problem.Type, "urn:newsfeed:problem:") {
		t.Errorf("%s: %s", b, a.body)
	}
	if a.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
		t.Errorf("%s: no Allow", b)
	}
}

// body is a route that takes one, with one member that must be there.
type bodyRoute struct {
	request
	member string
	most   int // characters of member
	size   int // bytes of the body
	author bool
}

func bodyRoutes(p post, c comment) []bodyRoute {
	return []bodyRoute{
		{request{service: "posts", method: "POST", path: "/posts"}, "title", 300, 256 << 10, true},
		{request{service: "posts", method: "PATCH", path: "/posts/" + p.ID}.token(p.EditToken), "title", 300, 256 << 10, true},
		{request{service: "comments", method: "POST", path: "/posts/" + p.ID + "/comments"}, "content", 5000, 64 << 10, true},
		{request{service: "comments", method: "PATCH", path: "/comments/" + c.ID}.token(c.EditToken), "content", 5000, 64 << 10, true},
		{request{service: "moderator", method: "POST", path: "/moderation/check"}, "content", 5000, 64 << 10, true},
	}
}

func badBodies(p post, c comment) []badRequest {
	var all []badRequest
	for _, route := range bodyRoutes(p, c) {
		m := route.member
		for name, body := range map[string]string{
			"blank": "  ", "half": `{"` + m + `":"a"`, "no JSON": `title=a`, "array": `[]`, "null": `null`, "text": `"a"`,
			"number": `1`, "two": `{"` + m + `":"a"} {}`, "behind": `{"` + m + `":"a"}x`, "empty object": `{}`,
			"member is null": `{"` + m + `":null}`, "member is a number": `{"` + m + `":1}`, "member is a list": `{"` + m + `":["a"]}`,
			"member is an object": `{"` + m + `":{}}`, "member is empty": `{"` + m + `":""}`, "member is blank": `{"` + m + `":" \t\n"}`,
			"unknown": `{"` + m + `":"a","more":1}`, "prototype": `{"` + m + `":"a","__proto__":{"x":1}}`, "owned": `{"` + m + `":"a","status":"approved"}`,
			"twice": `{"` + m + `":"a","` + m + `":"b"}`, "other case": `{"` + strings.ToUpper(m) + `":"a"}`,
			"too long":    `{"` + m + `":"` + strings.Repeat("ä", route.most+1) + `"}`,
			"long name":   `{"` + m + `":"a","author":"` + strings.Repeat("b", 81) + `"}`,
			"NUL":         `{"` + m + `":"a\u0000b"}`,
			"escape":      `{"` + m + `":"a\u001bb"}`,
			"raw NUL":     "{\"" + m + "\":\"a\x00b\"}",
			"not UTF-8":   "{\"" + m + "\":\"a\xff\"}",
			"lines":       `{"` + m + `":"a","author":"b\nc"}`,
			"nested":      `{"` + m + `":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`,
			"very nested": `{"more":` + strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000) + `}`,
			"big number":  `{"` + m + `":1e999999}`,
		} {
			r := route.request
			r.body = body
			all = append(all, badRequest{r.String() + " " + name, http.StatusBadRequest, r})
		}
		big := route.request
		big.body = `{"` + m + `":"` + strings.Repeat("a", route.size) + `"}`
		all = append(all, badRequest{big.String() + " big", http.StatusRequestEntityTooLarge, big})
		for _, typ := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "nonsense/", "application/problem+json"} {
			r := route.with("Content-Type", typ)
			r.body = `{"` + m + `":"a"}`
			all = append(all, badRequest{r.String() + " " + typ, http.StatusUnsupportedMediaType, r})
		}
	}
	return all
}

func badPaths(p post, c comment) []badRequest {
	var all []badRequest
	add := func(status int, service, method, path string) {
		r := request{service: service, method: method, path: path}
		all = append(all, badRequest{r.String(), status, r})
	}
	ids := []string{
		"unknown", "__proto__", "constructor", "..%2F..", "a%2Fb", p.ID + "%2F", "%2F", "%00", p.ID + "%00", "%0A", "%20", "%FF",
		"%C3%A4", "%7B%7D", "*", "all%2F", strings.Repeat("a", 129), strings.Repeat("a", 4000), "%25%30%30", p.ID + "%20",
	}
	for _, id := range ids {
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			add(http.StatusNotFound, "posts", method, "/posts/"+id)
			add(http.StatusNotFound, "comments", method, "/comments/"+id)
		}
		add(http.StatusNotFound, "query", "GET", "/posts/"+id)
		add(http.StatusNotFound, "query", "GET", "/posts/"+id+"/comments")
		r := commenting(id, "A comment", "Bea")
		all = append(all, badRequest{r.String(), http.StatusNotFound, r})
	}
	for _, id := range ids[4:] { // an unknown post has no comments
		add(http.StatusNotFound, "comments", "GET", "/posts/"+id+"/comments")
	}
	for _, service := range services {
		for _, path := range []string{"/", "/nothing", "/posts/", "//posts", "/POSTS", "/posts/../posts", "/posts/" + p.ID + "/comments/" + c.ID, "/livez/", "/.env", "/debug/pprof/"} {
			add(http.StatusNotFound, service, "GET", path)
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "TRACE", "NONSENSE"} {
			add(http.StatusMethodNotAllowed, service, method, "/livez")
			add(http.StatusMethodNotAllowed, service, method, "/readyz")
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE"} {
		add(http.StatusMethodNotAllowed, "posts", method, "/posts")
		add(http.StatusMethodNotAllowed, "query", method, "/posts")
		add(http.StatusMethodNotAllowed, "query", method, "/posts/"+p.ID)
		add(http.StatusMethodNotAllowed, "query", method, "/posts/"+p.ID+"/comments")
		add(http.StatusMethodNotAllowed, "comments", method, "/posts/"+p.ID+"/comments")
		add(http.StatusMethodNotAllowed, "comments", method, "/comments/all")
		add(http.StatusMethodNotAllowed, "moderator", method, "/moderation/check")
	}
	add(http.StatusMethodNotAllowed, "query", "POST", "/posts")
	add(http.StatusMethodNotAllowed, "posts", "POST", "/posts/"+p.ID)
	add(http.StatusMethodNotAllowed, "comments", "PUT", "/comments/"+c.ID)
	add(http.StatusMethodNotAllowed, "moderator", "GET", "/moderation/check")
	return all
}

func badQueries(p post) []badRequest {
	cursor := func(text string) string { return "cursor=" + base64.RawURLEncoding.EncodeToString([]byte(text)) }
	queries := []string{
		"limit=0", "limit=-1", "limit=101", "limit=abc", "limit=", "limit=01", "limit=%2B5", "limit=1e1", "limit=1.0",
		"limit=99999999999999999999", "limit=5&limit=5", "limit=%00", "cursor=", "cursor=x", "cursor=%00", "cursor=MQ==", "cursor=a&cursor=b",
		"a=%zz", "limit=1;cursor=x", "cursor=" + strings.Repeat("a", 5000),
		cursor("1.0.0."), cursor("1.x.0.id"), cursor("2.0.0.id"), cursor("1.0.1000000000.id"), cursor("1.0.-1.id"),
		cursor("1.999999999999999.0.id"), cursor("1.0.0.a b"), cursor("1.0.0.a\x00"), cursor("1.00.0.id"), cursor("1.0.0." + strings.Repeat("a", 129)),
	}
	var all []badRequest
	for _, q := range queries {
		for _, list := range []request{
			{service: "posts", path: "/posts"}, {service: "comments", path: "/comments/all"},
			{service: "comments", path: "/posts/" + p.ID + "/comments"},
			{service: "query", path: "/posts"}, {service: "query", path: "/posts/" + p.ID + "/comments"},
		} {
			list.path += "?" + q
			all = append(all, badRequest{list.String(), http.StatusBadRequest, list})
		}
	}
	return all
}

func badHeaders(p post, c comment) []badRequest {
	var all []badRequest
	for _, r := range []request{
		{service: "posts", method: "POST", path: "/posts", body: `{"title":"a"}`}, commenting(p.ID, "A comment", "Bea"),
	} {
		for _, key := range []string{"", "short", strings.Repeat("k", 129), "a key with spaces", "0123456789abcdef\x80", "schlüsselschlüssel"} {
			all = append(all, badRequest{r.String() + " Idempotency-Key " + key, http.StatusBadRequest, r.with("Idempotency-Key", key)})
		}
	}
	for _, route := range []struct {
		request
		token string
	}{
		{request{service: "posts", path: "/posts/" + p.ID}, p.EditToken},
		{request{service: "comments", path: "/comments/" + c.ID}, c.EditToken},
	} {
		for method, body := range map[string]string{"PATCH": `{"author":"Eve"}`, "DELETE": ""} {
			r := route.request
			r.method, r.body = method, body
			for _, tag := range []string{"x", `"1`, "1", `W/`, `"1" "1"`, `*, "1"`, ","} {
				b := r.token(route.token).with("If-Match", tag)
				all = append(all, badRequest{r.String() + " If-Match " + tag, http.StatusBadRequest, b})
			}
			for _, tag := range []string{`"99"`, `W/"1"`, `"-1"`, `"01"`, `"99999999999999999999"`} {
				b := r.token(route.token).with("If-Match", tag)
				all = append(all, badRequest{r.String() + " If-Match " + tag, http.StatusPreconditionFailed, b})
			}
			for _, auth := range []string{"", "Bearer", "Bearer x", "Basic " + route.token, "Bearer " + route.token + "x", "Bearer \x80", route.token} {
				b := r.with("Authorization", auth)
				all = append(all, badRequest{r.String() + " Authorization " + auth, http.StatusUnauthorized, b})
			}
		}
	}
	return all
}
