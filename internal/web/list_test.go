package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"newsfeed/internal/web"
)

type element struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Following the links gives every element once, and no page but one of a single
// element is beyond the budget.
func TestRenderList_Budget(t *testing.T) {
	list := make([]element, 60)
	for i := range list {
		size := 100_000
		switch {
		case i == 7: // larger than the budget by itself
			size = 2 * web.AnswerBudget
		case i%3 == 0:
			size = 10
		}
		list[i] = element{strconv.Itoa(i), strings.Repeat("é", size/2)}
	}
	at := func(e element) web.Cursor { return web.Cursor{At: time.Unix(1, 0), ID: e.ID} }
	seen := 0
	for pages := 0; seen < len(list); pages++ {
		if pages > len(list) {
			t.Fatal("the links lead nowhere")
		}
		end := min(seen+20, len(list))
		answer, err := web.RenderList(nil, list[seen:end], end < len(list), at)
		if err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		answer.Write(rec, httptest.NewRequest(http.MethodGet, "/x", nil))
		var got []element
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 || len(got) > 1 && rec.Body.Len() > web.AnswerBudget+1 {
			t.Fatalf("page %d has %d elements in %d bytes", pages, len(got), rec.Body.Len())
		}
		for _, e := range got {
			if e.ID != strconv.Itoa(seen) {
				t.Fatalf("got element %s, want %d", e.ID, seen)
			}
			seen++
		}
		if linked := rec.Header().Get("Link") != ""; linked != (seen < len(list)) {
			t.Errorf("after %d of %d: link %v", seen, len(list), linked)
		}
	}
}

func TestRenderList_Empty(t *testing.T) {
	answer, err := web.RenderList(nil, []element{}, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	answer.Write(rec, httptest.NewRequest(http.MethodGet, "/x", nil))
	if got := rec.Body.String(); got != "[]\n" {
		t.Errorf("got %q", got)
	}
}

func TestCut(t *testing.T) {
	const family = "👨\u200d👩\u200d👧"
	for _, tt := range []struct {
		text string
		n    int
		want string
		cut  bool
	}{
		{"abc", 3, "abc", false}, {"abcd", 3, "abc", true}, {"ééé", 3, "ééé", false}, {"éééé", 3, "ééé", true},
		{"a" + "e\u0301" + "b", 2, "ae\u0301", true}, {"ab" + family + "c", 3, "ab" + family, true}, {"", 0, "", false},
		{"a" + strings.Repeat("\u0301", 100), 3, "a", true}, {"xa" + strings.Repeat("\u0301", 100), 3, "x", true},
	} {
		got, cut := web.Cut(tt.text, tt.n)
		if cut != tt.cut || tt.cut && len(got) >= len(tt.text) || !utf8.ValidString(got) || !strings.HasPrefix(tt.text, got) {
			t.Errorf("Cut(%q, %d) = %q, %v", tt.text, tt.n, got, cut)
		}
		if utf8.RuneCountInString(tt.text) < 10 && got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
}
