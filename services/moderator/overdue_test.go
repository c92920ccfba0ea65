package moderator

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

func TestHeldTooLongIsSaidOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []alarm
	failing := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get(web.WebhookSignature) != web.SignWebhook(judgeSecret, r.Header.Get(web.WebhookID), r.Header.Get(web.WebhookTimestamp), body) {
			t.Errorf("the notification is not signed (%v)", err)
		}
		if failing {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		var a alarm
		if err := json.Unmarshal(body, &a); err != nil {
			t.Error(err)
		}
		got = append(got, a)
	}))
	t.Cleanup(server.Close)
	r := newRig(t, holding, nil)
	log := &syncBuffer{}
	newDog := func() watchdog {
		return watchdog{
			store: r.store, limit: time.Hour, hook: newWebhook(HookURL(server.URL), judgeSecret, time.Second),
			log: slog.New(slog.NewTextHandler(log, nil)),
		}
	}
	one, other := newDog(), newDog()
	look := func(d watchdog, in time.Duration, ok bool) {
		t.Helper()
		if err := d.look(t.Context(), time.Now().Add(in)); (err == nil) != ok {
			t.Errorf("looking: %v", err)
		}
	}
	said := func(want int) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if lines := strings.Count(log.String(), "held too long"); lines != want || len(got) != want {
			t.Errorf("said %d times in the log, %d times to the webhook, want %d", lines, len(got), want)
		}
	}
	look(one, time.Hour*2, true) // nothing is held
	d := r.judgedAs(event.Flagged, "c1", "hmm", "x")
	look(one, time.Minute, true)
	said(0)
	look(one, 2*time.Hour, false) // the webhook is down
	look(other, 2*time.Hour, true)
	said(0)
	// The one that failed had a minute for it; after that somebody else tries.
	mu.Lock()
	failing = false
	mu.Unlock()
	client := r.redis.Client()
	if ttl := client.PTTL(t.Context(), alarmKey).Val(); ttl <= 0 || ttl > alarmTry {
		t.Errorf("a failed alarm holds up the next for %s", ttl)
	}
	client.Del(t.Context(), alarmKey)
	look(other, 2*time.Hour, true)
	said(1)
	if a := got[0]; a.CommentID != "c1" || a.Held != 1 || !a.Since.Equal(d.Held) || a.Type != "held-too-long" {
		t.Errorf("notification: %+v", a)
	}
	r.judgedAs(event.Flagged, "c2", "hmm", "x")
	look(one, 3*time.Hour, true)
	look(other, 3*time.Hour, true)
	said(1)

	// Decided, and then passed again: said again.
	for _, id := range []string{"c1", "c2"} {
		ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding(id, 1, event.Rejected, ""))
	}
	look(one, 3*time.Hour, true)
	r.judgedAs(event.Flagged, "c3", "hmm", "x")
	look(other, 3*time.Hour, true)
	look(one, 3*time.Hour, true)
	said(2)
}
