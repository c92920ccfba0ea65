package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page finds the services where up puts them, those included that are
// started alone later, and where the user says; and the feeds the page.
func TestFindEachOther(t *testing.T) {
	env := map[string]string{"QUERY_URL": "http://elsewhere:1"}
	findEachOther(env, 100)
	delete(env, "EVENTBUS_URL") // there once the event bus is
	want := map[string]string{
		"POSTS_URL": "http://127.0.0.1:5101", "COMMENTS_URL": "http://127.0.0.1:5102",
		"MODERATOR_URL": "http://127.0.0.1:5103", "QUERY_URL": "http://elsewhere:1",
		"PUBLIC_URL": "http://localhost:3100",
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	env = map[string]string{"PUBLIC_URL": "https://feed.example"}
	if findEachOther(env, 100); env["PUBLIC_URL"] != "https://feed.example" {
		t.Errorf("readers are sent to %s, and not where the user says", env["PUBLIC_URL"])
	}
}

func TestBannerSaysWhereToClick(t *testing.T) {
	db := &database{url: "redis://127.0.0.1:6380"}
	all, err := choose(allServices(), upOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := banner(all, db); !strings.HasPrefix(got, "Newsfeed is ready.\n\nOpen http://localhost:3000\n\n") {
		t.Errorf("the banner begins with %.100s", got)
	}
	some, err := choose(allServices(), upOptions{without: []string{pageName}})
	if err != nil {
		t.Fatal(err)
	}
	if got := banner(some, db); strings.Contains(got, "Open ") || !strings.Contains(got, "frontend   -                       left out") {
		t.Errorf("without the page the banner is %s", got)
	}
}
