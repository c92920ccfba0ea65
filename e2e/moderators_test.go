package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tmaxmax/go-sse"
)

// The moderators of the journeys.
const (
	ann = "the token of ann, of 32 random bytes"
	bob = "the token of bob, of 32 random bytes"
)

// moderated are the settings of a system with people who moderate: what has the
// word hmm is held for them.
func moderated(t testing.TB) map[string]string {
	t.Helper()
	dir := t.TempDir()
	line := func(name, token string) string {
		sum := sha256.Sum256([]byte(token))
		return name + ":" + hex.EncodeToString(sum[:]) + "\n"
	}
	files := map[string]string{
		"rules.yaml": "rules:\n  - {name: unsure, words: [hmm], then: hold, reason: a person should see this}\n" +
			"  - {name: banned words, words: [racism], then: reject, reason: contains a banned word, note: Please rephrase.}\n",
		"moderators": line("ann", ann) + line("bob", bob),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{
		"RULES_FILE": filepath.Join(dir, "rules.yaml"), "MODERATORS_FILE": filepath.Join(dir, "moderators"),
		"PUBLIC_URL": "https://feed.example",
	}
}

// heldComment is a comment in the moderators' queue.
type heldComment struct {
	ID, PostID, PostTitle, Content, Author, Rule, Reason string
	Version                                              int64
	History                                              *struct {
		Approved, Rejected, Held int
		First                    bool
	}
	Claim *struct{ By string }
}

// moderate is a request to moderator.
func moderate(token, method, path, body string) request {
	return request{service: "moderator", method: method, path: "/moderation/" + path, body: body}.token(token)
}

// deciding is a decision of whom the token is.
func deciding(token string, c comment, version int64, status, more string) request {
	return moderate(token, "POST", "decisions",
		fmt.Sprintf(`{"commentId":%q,"version":%d,"status":%q%s}`, c.ID, version, status, more))
}

// awaitHeld waits until the comment is in the queue.
func (s *system) awaitHeld(c comment) heldComment {
	s.t.Helper()
	var found heldComment
	s.eventually("comment "+c.ID+" is in the queue", func() string {
		for _, h := range read[[]heldComment](s, s.must(http.StatusOK, moderate(ann, "GET", "queue?limit=100", ""))) {
			if h.ID == c.ID && h.Version >= c.Version {
				found = h
				return ""
			}
		}
		return "it is not"
	})
	return found
}

// own follows a comment as its author, and sends what comes.
func (s *system) own(c comment) <-chan sse.Event {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.replicas["comments"][0].addr()+"/comments/"+c.ID+"/stream", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.EditToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("the author's stream: %d", resp.StatusCode)
	}
	documented(s.t, "comments", resp, nil, nil)
	events := make(chan sse.Event, 100)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(events)
		defer func() { _ = resp.Body.Close() }()
		for e, err := range sse.Read(resp.Body, nil) {
			if err != nil {
				return
			}
			documentedEvent(s.t, "comments", resp.Request.URL.Path, e)
			events <- e
		}
	})
	s.t.Cleanup(func() { cancel(); reading.Wait() })
	return events
}

// ownIs waits until the author is told of the comment in that status.
func (s *system) ownIs(events <-chan sse.Event, status string) comment {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e, ok := <-events:
			var c comment
			if !ok || e.Type != "comment" || json.Unmarshal([]byte(e.Data), &c) != nil {
				s.t.Fatalf("the author is told %v", e)
			}
			if c.Status == status {
				return c
			}
		case <-deadline:
			s.t.Fatalf("the author is not told of %s within %s", status, patience)
		}
	}
}
