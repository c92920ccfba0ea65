package query

import (
	"encoding/json"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// BenchmarkFoldComment is the part of a fold that Redis has none of: the event is
// decoded, what is known is parsed, changed and written as JSON.
func BenchmarkFoldComment(b *testing.B) {
	b.ReportAllocs()
	payload := func(status event.Status) event.Comment {
		return event.Comment{
			PostID: "post", ID: "comment", Author: new("somebody"), Status: &status, Version: new(int64(1)),
			Content:   new("a comment of a usual length, which says something about its post and then some more"),
			CreatedAt: new(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)),
		}
	}
	e, err := event.New(event.Comments, event.TypeCommentUpdated, payload(event.Approved), time.Now())
	if err != nil {
		b.Fatal(err)
	}
	known := applyComment(comment{}, bus.Entry{ID: bus.ID{Ms: 1, Seq: 1}, Event: e}, payload(event.Pending))
	value, err := json.Marshal(known)
	if err != nil {
		b.Fatal(err)
	}
	entry := bus.Entry{ID: bus.ID{Ms: 2, Seq: 1}, Event: e}
	for b.Loop() {
		p, err := e.Decode()
		if err != nil {
			b.Fatal(err)
		}
		was, err := parse[comment](string(value))
		if err != nil {
			b.Fatal(err)
		}
		is := applyComment(was, entry, p)
		if _, err := json.Marshal(is); err != nil || !is.approved() {
			b.Fatalf("%v, approved %t", err, is.approved())
		}
	}
}

// BenchmarkView is how a page of 20 posts with 10 comments becomes what is sent.
func BenchmarkView(b *testing.B) {
	b.ReportAllocs()
	at := bus.ID{Ms: 1, Seq: 1}
	c := comment{ID: "comment", Content: register[string]{"a comment of a usual length", at}, Status: register[event.Status]{event.Approved, at}}
	p := post{ID: "post", Title: register[string]{"A title of a usual length", at}}
	comments := make([]comment, 10)
	for i := range comments {
		comments[i] = c
	}
	for b.Loop() {
		views := make([]postView, 20)
		for i := range views {
			views[i] = foundPost{post: p, approved: 10, comments: comments}.view()
		}
		if _, err := json.Marshal(views); err != nil {
			b.Fatal(err)
		}
	}
}
