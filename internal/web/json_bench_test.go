package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

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
