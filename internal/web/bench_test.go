package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

type benchPost struct {
	Title  string `json:"title"`
	Body   string `json:"body"`
	Author string `json:"author"`
}

// Validate looks at the texts as the services do.
func (p *benchPost) Validate() error {
	var v Check
	p.Title = v.Line("/title", p.Title, 1, 300)
	p.Body = v.Text("/body", p.Body, 0, 20_000)
	p.Author = v.Line("/author", p.Author, 0, 80)
	return v.Err()
}

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	body := fmt.Sprintf(`{"title":"A title of a usual length","body":%q,"author":"somebody"}`, strings.Repeat("Some words. ", 30))
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/posts", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if _, err := Decode[benchPost](httptest.NewRecorder(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriteCached is the writing of a page of 20 elements.
func BenchmarkWriteCached(b *testing.B) {
	b.ReportAllocs()
	page := make([]benchPost, 20)
	for i := range page {
		page[i] = benchPost{Title: "A title of a usual length", Body: strings.Repeat("Some words. ", 30), Author: "somebody"}
	}
	r := httptest.NewRequest(http.MethodGet, "/posts", nil)
	for b.Loop() {
		if err := WriteCached(httptest.NewRecorder(), r, page); err != nil {
			b.Fatal(err)
		}
	}
}
