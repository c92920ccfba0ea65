package eventbus

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// pushOf is how the only subscriber is shown, nil while it takes events.
func pushOf(t testing.TB, a *replica) *PushState {
	t.Helper()
	for _, s := range read[[]StreamState](t, a.do("GET", "/streams", "")) {
		for _, g := range s.Groups {
			if strings.HasPrefix(g.Name, "eventbus/push:") {
				return g.Push
			}
		}
	}
	return nil
}

var subscriberDown = regexp.MustCompile(`(?m)^newsfeed_subscriber_up\{subscriber="[^"]+"\} 0$`)

const hostileBody = "token expired \x1b]0;x\x07\u009b31m\u202e"

// The answers that are the subscriber's trouble: nothing becomes a dead letter, the
// event comes again until it is taken, and the log has one line.
func TestPushTrouble(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404, 405, 407, 408, 421, 425, 429, 500, 503} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var mended atomic.Bool
			s := newSubscriber(t, func(w http.ResponseWriter, _ delivery) {
				if !mended.Load() {
					w.WriteHeader(status)
					_, _ = w.Write([]byte(hostileBody))
				}
			})
			a := r.start(s)
			want := a.publishMany(3)
			bustest.Eventually(t, 20*time.Second, "the circuit is open", func() bool {
				state := pushOf(t, a)
				return len(s.gets()) > 2*breakAfter && state != nil && state.State == string(pushResting) &&
					strings.HasPrefix(state.Reason, fmt.Sprintf("answered %d %s: token expired", status, http.StatusText(status)))
			})
			for _, d := range s.gets() {
				if d.ID != want[0] {
					t.Fatalf("%s came before %s was taken", d.ID, want[0])
				}
			}
			if metrics := a.do("GET", "/metrics", "").body; !subscriberDown.MatchString(metrics) {
				t.Error("the metrics do not show the subscriber as down")
			}
			mended.Store(true)
			if diff := cmp.Diff(want, s.awaits(3)); diff != "" {
				t.Errorf("taken (-want +got):\n%s", diff)
			}
			bustest.Eventually(t, 10*time.Second, "it is shown to work", func() bool { return pushOf(t, a) == nil })
			if dead := read[[]deadLetter](t, a.do("GET", "/dead", "")); len(dead) > 0 {
				t.Errorf("dead letters %v", dead)
			}
			if begin, end := a.log.lines("trying until it does"), a.log.lines("takes events again"); begin != 1 || end != 1 {
				t.Errorf("%d and %d lines in the log, want 1 and 1", begin, end)
			}
			if log := a.log.String(); strings.ContainsAny(log, "\x1b\x07\u009b\u202e") || strings.Contains(log, `\x1b`) || strings.Contains(log, `\u202e`) {
				t.Errorf("the answer's control characters are in the log: %q", log)
			}
		})
	}
}

// The answers about the event: it becomes a dead letter, the next one comes.
func TestPushAboutTheEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	statuses := []int{400, 402, 406, 409, 411, 412, 413, 414, 415, 416, 417, 418, 422, 423, 424, 426, 428, 431, 451, 499}
	next := atomic.Int64{}
	s := newSubscriber(t, func(w http.ResponseWriter, _ delivery) {
		if i := int(next.Add(1)) - 1; i < len(statuses) {
			w.WriteHeader(statuses[i])
			_, _ = w.Write([]byte(hostileBody))
		}
	})
	a := r.start(s)
	all := a.publishMany(len(statuses) + 1)
	if diff := cmp.Diff(all[len(statuses):], s.awaits(1)); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	dead := walk[deadLetter](a, "/dead", 20)
	if len(dead) != len(statuses) {
		t.Fatalf("%d dead letters, want %d", len(dead), len(statuses))
	}
	for i, l := range dead {
		want := strings.TrimSpace(fmt.Sprintf("answered %d %s", statuses[i], http.StatusText(statuses[i]))) + ": token expired"
		if !strings.HasPrefix(l.Error, want) || strings.ContainsAny(l.Error, "\x1b\x07\u009b\u202e") || l.Fields["id"] != all[i] {
			t.Errorf("letter %d: %q", i, l.Error)
		}
	}
}

// 410 ends the subscription until the service starts again, and loses nothing.
func TestPushGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var mended atomic.Bool
	s := newSubscriber(t, func(w http.ResponseWriter, _ delivery) {
		if !mended.Load() {
			w.WriteHeader(http.StatusGone)
		}
	})
	a := r.start(s)
	want := a.publishMany(2)
	bustest.Eventually(t, 20*time.Second, "the subscription is shown as ended", func() bool {
		state := pushOf(t, a)
		return state != nil && state.State == string(pushEnded) && state.Reason == "answered 410 Gone"
	})
	a.stop()
	if n, lines := len(s.gets()), a.log.lines("ended its subscription"); n != 1 || lines != 1 {
		t.Errorf("%d tries and %d lines in the log, want 1 and 1", n, lines)
	}
	mended.Store(true)
	b := r.start(s)
	if diff := cmp.Diff(want, s.awaits(2)); diff != "" {
		t.Errorf("taken after a restart (-want +got):\n%s", diff)
	}
	if dead := read[[]deadLetter](t, b.do("GET", "/dead", "")); len(dead) > 0 {
		t.Errorf("dead letters %v", dead)
	}
}

// Beyond the bound on dead letters the subscriber rests: nothing is lost, and it goes
// on when there is room.
func TestPushDeadLettersAreBounded(t *testing.T) {
	t.Parallel()
	for name, bounds := range map[string]times{"number": {Letters: 3}, "bytes": {LetterBytes: 1800}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := newSubscriber(t, func(w http.ResponseWriter, _ delivery) { w.WriteHeader(http.StatusUnprocessableEntity) })
			bounded := quick
			bounded.Letters, bounded.LetterBytes = bounds.Letters, bounds.LetterBytes
			a := r.startWith(bounded, func(c *Config) { c.Subscribers = SubscriberList(s.URL + "/events") })
			want := a.publishMany(8)
			letters := func() []deadLetter { return walk[deadLetter](a, "/dead", 20) }
			bustest.Eventually(t, 20*time.Second, "the dead letters are full", func() bool {
				state := pushOf(t, a)
				return state != nil && state.State == string(pushFull) && len(s.gets()) > 8
			})
			held := letters()
			if n := len(held); n < 2 || n > 4 {
				t.Fatalf("%d dead letters", n)
			}
			if lines := a.log.lines("trying until it does"); lines != 1 {
				t.Errorf("%d lines in the log, want 1", lines)
			}
			// Each that is dropped makes room for the next, until all have come.
			seen := []string{}
			for len(seen) < len(want) {
				held = letters()
				if len(held) == 0 {
					bustest.Eventually(t, 20*time.Second, "another letter", func() bool { held = letters(); return len(held) > 0 })
				}
				seen = append(seen, held[0].Fields["id"])
				if got := a.do("DELETE", "/dead/"+held[0].ID, ""); got.status != http.StatusNoContent {
					t.Fatalf("drop: %d", got.status)
				}
			}
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "7.5": 0, "99999": time.Hour, "4294967296": 0,
		"Tue, 01 Dec 2026 00:00:30 GMT": 30 * time.Second, "Mon, 30 Nov 2026 00:00:30 GMT": 0, "Tue, 08 Dec 2026 00:00:30 GMT": time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	h := &health{log: slog.New(slog.DiscardHandler), report: func(context.Context, PushState) error { return nil }}
	if got := h.failed(t.Context(), &troubleError{why: "busy", after: time.Minute}, time.Second, time.Hour); got != time.Minute {
		t.Errorf("the first failure waits %s, want its Retry-After", got)
	}
}

// signedBy reports which of the secrets signed a delivery, by the rules of Standard
// Webhooks 1.0 and not by the project's code.
func signedBy(header http.Header, body []byte, secrets ...string) (signed []string) {
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", header.Get("webhook-id"), header.Get("webhook-timestamp"), body)
		if slices.Contains(strings.Split(header.Get("webhook-signature"), " "), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))) {
			signed = append(signed, secret)
		}
	}
	return signed
}

func TestPushIsSigned(t *testing.T) {
	t.Parallel()
	const older, newer, other = "older-secret-of-1", "newer-secret-of-1", "the-secret-of-another"
	r := newRig(t)
	one, two := newSubscriber(t, nil), newSubscriber(t, nil)
	a := r.startWith(quick, func(c *Config) {
		c.Subscribers = SubscriberList(one.URL + "/events," + two.URL + "/events")
		c.SubscriberSecrets = web.Secret(newer + " " + older + "," + other)
	})
	id := a.publish("Signed", map[string]string{"text": "é"})
	one.awaits(1)
	two.awaits(1)
	for s, want := range map[*subscriberServer][]string{one: {newer, older}, two: {other}} {
		d := s.gets()[0]
		if diff := cmp.Diff(want, signedBy(d.Header, d.Body, newer, older, other)); diff != "" {
			t.Errorf("signed by (-want +got):\n%s", diff)
		}
		seconds, err := strconv.ParseInt(d.Header.Get("webhook-timestamp"), 10, 64)
		if age := time.Since(time.Unix(seconds, 0)); err != nil || age < -time.Minute || age > 5*time.Minute || d.Header.Get("webhook-id") != id {
			t.Errorf("headers %v", d.Header)
		}
	}
	if text := a.log.String(); strings.Contains(text, older) || strings.Contains(text, other) {
		t.Error("a secret is in the log")
	}
}

func TestSubscriberSecrets(t *testing.T) {
	t.Parallel()
	const a, b = "0123456789abcdef", "fedcba9876543210"
	for text, want := range map[string]string{
		"": "[][]", a: "[1][1]", a + " " + b: "[2][2]", a + "," + b: "[1][1]", a + "\n" + b + " " + a + "\r\n": "[1][2]",
		a + ",": "", "short": "", a + " short": "", a + "," + a + "," + b: "",
	} {
		cfg, err := web.Load[Config](map[string]string{"SUBSCRIBERS": "http://a/,http://b/", "SUBSCRIBER_SECRETS": text})
		if err != nil {
			if want != "" || !strings.HasPrefix(err.Error(), "SUBSCRIBER_SECRETS ") || strings.Contains(err.Error(), a) || web.ExitCode(err) != 2 {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		all, err := cfg.subscribers()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, s := range all {
			if n := len(s.secrets); n > 0 {
				got += fmt.Sprintf("[%d]", n)
			} else {
				got += "[]"
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		if shown := fmt.Sprintf("%+v %v", cfg, web.Describe(cfg)); text != "" && strings.Contains(shown, a) {
			t.Errorf("%q is shown: %s", text, shown)
		}
	}
}

// What identifies a client is not pushed; who reads with the token gets it.
func TestPushHasNothingPrivate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	a := r.start(s)
	a.publish(event.TypeCommentCreated, map[string]any{"id": "c", "postId": "p", "content": "<b>", "authorKey": "k1", "authorKeys": []string{"k0"}, "networkKey": "n1", "networkKeys": []string{"n0"}})
	s.awaits(1)
	body := string(s.gets()[0].Body)
	for _, private := range event.PrivateMembers() {
		if strings.Contains(body, private) {
			t.Errorf("%s is pushed: %s", private, body)
		}
	}
	if !strings.Contains(body, `"content":"<b>"`) {
		t.Errorf("pushed: %s", body)
	}
	if got := a.do("GET", "/events", "").body; !strings.Contains(got, `"authorKey":"k1"`) {
		t.Errorf("GET /events: %s", got)
	}
}
