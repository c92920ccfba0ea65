package frontend

import (
	"io/fs"
	"regexp"
	"testing"
)

// What a first visit loads before the page is there: its scripts, and all it needs.
const (
	maxScripts = 180 << 10
	maxAll     = 250 << 10
)

var loads = regexp.MustCompile(`(?:src|href)="(/[^"]+)"`)

// TestBudget asks as a browser does that knows gzip only. What the page then
// loads of itself is measured by the journeys in a browser.
func TestBudget(t *testing.T) {
	site, built, err := Site()
	if err != nil {
		t.Fatal(err)
	}
	if !built {
		t.Skip("the page is not built: make frontend does, and make test before this")
	}
	h := newServer(t, site, Config{})
	page, err := fs.ReadFile(site, index)
	if err != nil {
		t.Fatal(err)
	}
	scripts, all := 0, len(page)
	for _, match := range loads.FindAllSubmatch(page, -1) {
		res := ask(h, "GET", string(match[1]), "Accept-Encoding", "gzip")
		if res.status == 404 {
			continue // an address in a text, such as that of the feed
		}
		all += len(res.body)
		if res.header.Get("Content-Type") == "text/javascript; charset=utf-8" {
			scripts += len(res.body)
		}
	}
	t.Logf("%d bytes of scripts, %d in all", scripts, all)
	if scripts == 0 || scripts > maxScripts || all > maxAll {
		t.Errorf("a first visit loads %d bytes of scripts and %d in all, more than %d and %d (or none)", scripts, all, maxScripts, maxAll)
	}
}
