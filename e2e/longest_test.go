package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The longest post that there can be, in the longest way of writing it, passes
// through everything that takes posts, and so does such an event of somebody else.
func TestTheLongestPost(t *testing.T) {
	t.Parallel()
	d := startDoor(t)
	front := newProcess(t, "frontend", "frontend-0", "")
	for _, name := range services {
		front.env[strings.ToUpper(name)+"_URL"] = "http://" + d.replicas[name][0].addr()
	}
	front.start()
	t.Cleanup(front.close)
	d.eventually("the front end is ready", func() string {
		resp, err := d.client.Get("http://" + front.addr() + "/readyz")
		if err != nil {
			return err.Error()
		}
		_ = resp.Body.Close()
		return strings.TrimPrefix(resp.Status, "200 OK")
	})

	const emoji, escaped = "\U0001F600", `\ud83d\ude00`
	want := post{Title: strings.Repeat(emoji, 300), Body: strings.Repeat(emoji, 20_000), Author: strings.Repeat(emoji, 80)}
	members := `"title":"` + strings.Repeat(escaped, 300) + `","body":"` + strings.Repeat(escaped, 20_000) +
		`","author":"` + strings.Repeat(escaped, 80) + `"`
	same := func(where string, got post) {
		t.Helper()
		if got.Title != want.Title || got.Body != want.Body || got.Author != want.Author {
			t.Errorf("%s has it with a title of %d, a body of %d and an author of %d bytes", where, len(got.Title), len(got.Body), len(got.Author))
		}
	}

	resp, err := d.client.Post("http://"+front.addr()+"/api/posts/posts", "application/json", strings.NewReader("{"+members+"}"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("through the front end: status %d, %v: %.500s", resp.StatusCode, err, body)
	}
	made := read[post](d.system, answer{body: body})
	same("posts", made)
	edit := request{service: "posts", method: "PATCH", path: "/posts/" + made.ID, body: `{"title":"short"}`}.token(made.EditToken)
	d.must(http.StatusOK, edit)
	edit.body = "{" + members + "}"
	d.must(http.StatusOK, edit)

	d.publish(`{"type":"PostCreated","data":{"id":"foreign",` + members + `}}`)
	d.awaitPost("foreign", true)
	for id, version := range map[string]string{made.ID: "3", "foreign": "1"} {
		own := request{service: "posts", path: "/posts/" + id}
		d.eventually("posts has "+id, func() string {
			if a, err := d.do(own); err != nil || a.status != http.StatusOK {
				return "it has not"
			}
			return ""
		})
		same("posts", read[post](d.system, d.must(http.StatusOK, own)))
		query := "?wait=5s&version=" + version
		if id == "foreign" {
			query = "" // nobody has numbered it
		}
		same("query", read[post](d.system, d.must(http.StatusOK, request{service: "query", path: "/posts/" + id + query})))
	}
	for _, p := range list[post](d.system, "query", "/posts") {
		same("the feed", p)
	}
	d.must(http.StatusOK, request{service: "query", path: "/feed.atom"})

	d.eventually("the subscriber has all four", func() string {
		if n := len(d.accepted()); n < 4 {
			return "it has fewer"
		}
		return ""
	})
	var seen []string
	for _, e := range list[struct {
		Type string
		Data json.RawMessage
	}](d.system, "eventbus", "/events") {
		seen = append(seen, e.Type)
		if p := read[post](d.system, answer{body: e.Data}); p.Title != "short" {
			same("eventbus", p)
		}
	}
	if all := []string{"PostCreated", "PostUpdated", "PostUpdated", "PostCreated"}; !slices.Equal(seen, all) {
		t.Errorf("eventbus has %v, want %v", seen, all)
	}
}
