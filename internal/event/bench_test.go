package event

import (
	"testing"
	"time"
)

func benchComment() Comment {
	return Comment{
		PostID: "0199c0de-0000-7000-8000-000000000001", ID: "0199c0de-0000-7000-8000-000000000002",
		Content: new("a comment of a usual length, which says something about its post and then some more"),
		Author:  new("somebody"), AuthorKey: new("0123456789abcdef"), Status: new(Pending),
		CreatedAt: new(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)), Version: new(int64(1)),
	}
}

func benchEvent(b *testing.B) Event {
	b.Helper()
	e, err := New(Comments, TypeCommentCreated, benchComment(), time.Now())
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	c, now := benchComment(), time.Now()
	for b.Loop() {
		if _, err := New(Comments, TypeCommentCreated, c, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValues(b *testing.B) {
	b.ReportAllocs()
	e := benchEvent(b)
	for b.Loop() {
		e.Values()
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	list := benchEvent(b).Fields()
	fields := make(map[string]string, len(list)/2)
	for i := 0; i < len(list); i += 2 {
		fields[list[i]] = list[i+1]
	}
	for b.Loop() {
		if _, err := Parse("{comments}:events", "1767323045000-0", fields); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	e := benchEvent(b)
	for b.Loop() {
		if _, err := e.Decode(); err != nil {
			b.Fatal(err)
		}
	}
}
