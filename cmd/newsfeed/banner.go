package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"newsfeed/internal/event"
)

// banner says what runs where, and what to do with it.
func banner(services []service, db *database) string {
	var b strings.Builder
	b.WriteString("Newsfeed is ready.\n\n")
	for _, s := range services {
		if s.name == pageName {
			fmt.Fprintf(&b, "Open %s\n\n", s.url())
		}
	}
	for _, s := range services {
		fmt.Fprintf(&b, "  %-10s %-23s %s\n", s.name, s.url(), s.does)
	}
	fmt.Fprintf(&b, "  %-10s %-23s %s\n", "Redis", db.url, db.about)
	for _, all := range allServices() {
		if !slices.ContainsFunc(services, func(s service) bool { return s.name == all.name }) {
			fmt.Fprintf(&b, "  %-10s %-23s left out\n", all.name, "-")
		}
	}
	if lines := tryLines(services); len(lines) > 0 {
		fmt.Fprintf(&b, "\nTry it:\n  %s\n", strings.Join(lines, "\n  "))
	}
	fmt.Fprintf(&b, "\nWatch the events in another terminal:\n  %s\n", strings.Join(watchLines(db), "\n  "))
	b.WriteString("\nCtrl-C ends it.\n")
	return b.String()
}

func tryLines(services []service) []string {
	var lines []string
	for _, s := range services {
		switch s.name {
		case event.Posts:
			lines = append(lines, fmt.Sprintf(
				`curl %s/posts -H 'Content-Type: application/json' -d '{"title":"Hello"}'`, s.url()))
		case event.Query:
			lines = append(lines, "curl "+s.url()+"/posts")
		case event.EventBus:
			lines = append(lines, "curl "+s.url()+"/events")
		}
	}
	return lines
}

func watchLines(db *database) []string {
	tail := self() + " tail" + db.tailFlags
	if db.cliFlags == "" {
		return []string{tail}
	}
	var names, ends string
	for _, stream := range streams() {
		names += fmt.Sprintf(" %q", stream)
		ends += " '$'"
	}
	return []string{tail, "redis-cli " + db.cliFlags + " XREAD BLOCK 0 STREAMS" + names + ends}
}

// streams are those that are worth watching: every one that carries events.
func streams() []string {
	return []string{
		event.Stream(event.Posts), event.Stream(event.Comments),
		event.Stream(event.Moderator), event.Stream(event.EventBus),
	}
}

// self is how this program is called; go run puts it where nobody would look.
func self() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/newsfeed"
	}
	return os.Args[0]
}
