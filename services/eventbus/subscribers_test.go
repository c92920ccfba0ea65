package eventbus

import (
	"fmt"
	"strings"
	"testing"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

func TestSubscriberList(t *testing.T) {
	t.Parallel()
	tests := []struct {
		list  string
		shown string // "" if it is refused
	}{
		{"http://localhost:4002/events", "http://localhost:4002/events"},
		{" http://a/x , https://b:1/y?z=1", "http://a/x,https://b:1/y"},
		{"http://user:secret@a/?token=secret", "http://user@a/"},
		{"http://a/1,http://a/2", "http://a/1,http://a/2"},
		{"http://[::1]:80/", "http://[::1]:80/"},
		{"http://a/,http://a/", ""},
		{"http://a/,", ""},
		{"a:4002/events", ""},
		{"localhost:4002", ""},
		{"redis://:secret@a/", ""},
		{"http:///events", ""},
		{"http://:80/", ""},
		{"http://a/#secret", ""},
		{"http://user:secret@a b/", ""},
		{"http://user:secret@a:x/", ""},
	}
	for _, tt := range tests {
		cfg, err := web.Load[Config](map[string]string{"SUBSCRIBERS": tt.list})
		if (err == nil) != (tt.shown != "") {
			t.Errorf("%q: %v", tt.list, err)
		}
		if err != nil {
			if web.ExitCode(err) != 2 || strings.Contains(err.Error(), "secret") || !strings.HasPrefix(err.Error(), "SUBSCRIBERS ") {
				t.Errorf("%q: error %q", tt.list, err)
			}
			continue
		}
		if shown := fmt.Sprint(cfg.Subscribers); shown != tt.shown {
			t.Errorf("%q is shown as %q, want %q", tt.list, shown, tt.shown)
		}
		if text := fmt.Sprintf("%#v %+v %v", cfg.Subscribers, cfg, web.Describe(cfg)); strings.Contains(text, "secret") {
			t.Errorf("%q is shown with its secret: %s", tt.list, text)
		}
	}
	if cfg, err := web.Load[Config](nil); err != nil || cfg.Subscribers != "" {
		t.Errorf("none: %v, %v", cfg.Subscribers, err)
	}
}

// TestSubscriberNames are short, and differ where the URL does.
func TestSubscriberNames(t *testing.T) {
	t.Parallel()
	subscribers, err := SubscriberList("http://localhost:4002/events,http://localhost:4002/events2,https://" +
		strings.Repeat("a", 60) + ".example/,http://EX_ample:1/").parse()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, prefix := range []string{"localhost-4002-", "localhost-4002-", strings.Repeat("a", maxHost) + "-", "ex-ample-1-"} {
		name := subscribers[i].name()
		if !strings.HasPrefix(name, prefix) || len(name) != len(prefix)+8 || seen[name] {
			t.Errorf("name %q, want %s and a hash", name, prefix)
		}
		seen[name] = true
		// An id of it has to fit into a path; see web.ID.
		id := deadID(bus.DeadID{Group: groupOf(name), Stream: "{moderator}:events", Entry: bus.ID{Ms: 9999999999999, Seq: 999999}})
		if got, ok := parseDeadID(id); !event.ValidID(id) || !ok || got.Group != groupOf(name) {
			t.Errorf("the id %s is not one, or of %+v", id, got)
		}
	}
}
