package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// benched is what POST /posts takes.
type benched struct {
	Title  string `json:"title"`
	Body   string `json:"body"`
	Author string `json:"author"`
}

// Validate implements Validator.
func (b *benched) Validate() error {
	var v Check
	b.Title = v.Line("/title", b.Title, 1, 300)
	b.Body = v.Text("/body", b.Body, 0, 20_000)
	b.Author = v.Line("/author", b.Author, 0, 80)
	return v.Err()
}

// BenchmarkDecode reads the body of POST /posts, of a usual length.
func BenchmarkDecode(b *testing.B) {
	body := `{"title":"A title of a usual length","body":"` + strings.Repeat("Some text that a post may have. ", 8) + `","author":"ann"}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/posts", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if _, err := Decode[benched](httptest.NewRecorder(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriteCached is the writing of a page of 20 elements.
func BenchmarkWriteCached(b *testing.B) {
	b.ReportAllocs()
	page := make([]benched, 20)
	for i := range page {
		page[i] = benched{Title: "A title of a usual length", Body: strings.Repeat("Some words. ", 30), Author: "somebody"}
	}
	r := httptest.NewRequest(http.MethodGet, "/posts", nil)
	for b.Loop() {
		if err := WriteCached(httptest.NewRecorder(), r, page); err != nil {
			b.Fatal(err)
		}
	}
}
