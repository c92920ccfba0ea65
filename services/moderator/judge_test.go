package moderator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
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

const judgeSecret = "a secret of the judge"

// reply is what a judge under test says, before it is signed.
type reply struct {
	status        int
	body          string
	id            string // "" for that of the question
	secret        string
	age           time.Duration
	unsigned      bool
	contentLength int // more than there is, if not 0
}

// judgeThat serves as a judge who answers what says makes of the question, and
// counts the questions.
func judgeThat(t *testing.T, says func(question) reply) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the moderator has hung up
		}
		id, stamp := r.Header.Get(web.WebhookID), r.Header.Get(web.WebhookTimestamp)
		if r.Header.Get(web.WebhookSignature) != web.SignWebhook(judgeSecret, id, stamp, body) || r.Method != http.MethodPost {
			t.Errorf("the question is not signed: %v %s", r.Header, body)
		}
		var q question
		if err := json.Unmarshal(body, &q); err != nil {
			t.Error(err)
		}
		a := says(q)
		if a.id != "" {
			id = a.id
		}
		now := strconv.FormatInt(time.Now().Add(-a.age).Unix(), 10)
		secret := judgeSecret
		if a.secret != "" {
			secret = a.secret
		}
		if !a.unsigned {
			w.Header().Set(web.WebhookID, id)
			w.Header().Set(web.WebhookTimestamp, now)
			w.Header().Set(web.WebhookSignature, "v1,AAAA "+web.SignWebhook(web.Secret(secret), id, now, []byte(a.body)))
		}
		if a.contentLength > 0 {
			w.Header().Set("Content-Length", strconv.Itoa(a.contentLength))
		}
		if a.status > 0 {
			w.WriteHeader(a.status)
		}
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(server.Close)
	return server, &asked
}

func judgeAt(url string, timeout time.Duration, log io.Writer) *judge {
	return newJudge(newWebhook(HookURL(url), judgeSecret, timeout), slog.New(slog.NewTextHandler(log, nil)))
}

func TestJudgeIsBelieved(t *testing.T) {
	t.Parallel()
	server, _ := judgeThat(t, func(q question) reply {
		want := question{CommentID: "c", PostID: "p", Version: 3, Content: "is it <good>?", Author: "ann"}
		if diff := cmp.Diff(want, q); diff != "" {
			t.Error(diff)
		}
		return reply{body: `{"status":"rejected","reason":"rude","note":"Be kind."}`}
	})
	got, err := judgeAt(server.URL, time.Second, io.Discard).ask(t.Context(),
		decision{ID: "c", PostID: "p", Version: 3, Content: "is it <good>?", Author: "ann", AuthorKey: "k"})
	want := Verdict{Status: event.Rejected, Reason: "rude", Note: "Be kind."}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestJudgeWhoFailsHasTheCommentHeld(t *testing.T) {
	t.Parallel()
	const fine = `{"status":"approved"}`
	for name, tt := range map[string]struct {
		reply
		tries int64
	}{
		"another secret":         {reply{body: fine, secret: "a secret of another"}, 1},
		"no signature":           {reply{body: fine, unsigned: true}, 1},
		"answer to another":      {reply{body: fine, id: "another"}, 1},
		"old answer":             {reply{body: fine, age: time.Hour}, 1},
		"answer of the future":   {reply{body: fine, age: -time.Hour}, 1},
		"pending":                {reply{body: `{"status":"pending"}`}, 1},
		"unheard of status":      {reply{body: `{"status":"fine"}`}, 1},
		"no status":              {reply{body: `{}`}, 1},
		"status in another case": {reply{body: `{"status":"Approved"}`}, 1},
		"unknown member":         {reply{body: `{"status":"approved","confidence":0.3}`}, 1},
		"two verdicts":           {reply{body: fine + fine}, 1},
		"long reason":            {reply{body: `{"status":"approved","reason":"` + strings.Repeat("r", 1001) + `"}`}, 1},
		"control character":      {reply{body: `{"status":"approved","note":"\u001b[0m"}`}, 1},
		"no JSON":                {reply{body: `approved`}, 1},
		"an echo":                {reply{body: `{"commentId":"c","postId":"p","content":"x","author":""}`}, 1},
		"not UTF-8":              {reply{body: "{\"status\":\"approved\",\"note\":\"\xff\"}"}, 1},
		"too large":              {reply{body: fine + strings.Repeat(" ", maxAnswer)}, 3},
		"half an answer":         {reply{body: fine, contentLength: 100}, 3},
		"its error":              {reply{status: 500, body: fine}, 3},
		"busy":                   {reply{status: 429, body: fine}, 3},
		"refused":                {reply{status: 401, body: fine}, 1},
		"redirect":               {reply{status: 302, body: fine}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, asked := judgeThat(t, func(question) reply { return tt.reply })
			var log bytes.Buffer
			got, err := judgeAt(server.URL, time.Second, &log).ask(t.Context(), decision{ID: "c", PostID: "p", Content: "x"})
			if got.Status != event.Flagged || got.Reason == "" || err != nil {
				t.Errorf("%+v, %v; want held", got, err)
			}
			if n := asked.Load(); n != tt.tries {
				t.Errorf("asked %d times, want %d", n, tt.tries)
			}
			if !strings.Contains(log.String(), "comment=c") {
				t.Errorf("log: %s", log.String())
			}
		})
	}
}

func TestJudgeWhoIsSlowOrDown(t *testing.T) {
	t.Parallel()
	server, asked := judgeThat(t, func(question) reply {
		time.Sleep(time.Second)
		return reply{body: `{"status":"approved"}`}
	})
	start := time.Now()
	got, err := judgeAt(server.URL, 50*time.Millisecond, io.Discard).ask(t.Context(), decision{ID: "c"})
	if took := time.Since(start); got.Status != event.Flagged || err != nil || took > 5*time.Second || asked.Load() != judgeTries {
		t.Errorf("slow: %+v, %v after %s and %d tries", got, err, took, asked.Load())
	}
	server.Close()
	if got, err := judgeAt(server.URL, time.Second, io.Discard).ask(t.Context(), decision{ID: "c"}); got.Status != event.Flagged || err != nil {
		t.Errorf("down: %+v, %v", got, err)
	}
	// Told to stop, the moderator decides nothing: the comment comes again.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := judgeAt(server.URL, time.Second, io.Discard).ask(ctx, decision{ID: "c"}); err == nil {
		t.Errorf("decided while stopping: %+v", got)
	}
	// At the worst it takes less than half of what a handler has.
	if worst := judgeTries * (maxJudgeTimeout + time.Second); worst > 20*time.Second {
		t.Errorf("a verdict can take %s", worst)
	}
}

// A webhook's address can hold its secret, and what cannot be reached is logged.
func TestAnAddressIsNotLogged(t *testing.T) {
	t.Parallel()
	server, _ := judgeThat(t, func(question) reply { return reply{} })
	server.Close()
	address := "http://user:s3cr3t@" + server.Listener.Addr().String() + "/s3cr3t?key=s3cr3t"
	var log bytes.Buffer
	if got, err := judgeAt(address, time.Second, &log).ask(t.Context(), decision{ID: "c"}); got.Status != event.Flagged || err != nil {
		t.Errorf("down: %+v, %v", got, err)
	}
	if !strings.Contains(log.String(), "refused") || strings.Contains(log.String(), "s3cr3t") {
		t.Errorf("the log does not say why, or shows the address: %s", log.String())
	}
	_, _, _, err := newWebhook(HookURL(address), judgeSecret, time.Second).send(t.Context(), alarm{})
	if err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("sending: %v", err)
	}
}

func TestJudgeWhoKeepsFailingIsLeftAlone(t *testing.T) {
	t.Parallel()
	server, asked := judgeThat(t, func(question) reply { return reply{status: 401} })
	j := judgeAt(server.URL, time.Second, io.Discard)
	for i := range 4 * judgeFailures {
		if got, err := j.ask(t.Context(), decision{ID: "c"}); got.Status != event.Flagged || err != nil {
			t.Fatalf("comment %d: %+v, %v", i, got, err)
		}
	}
	if n := asked.Load(); n != judgeFailures {
		t.Errorf("asked %d times, want to be left alone after %d", n, judgeFailures)
	}
}

// The judge is asked about what no rule decides, and once per text.
func TestJudgeDecidesWhatNoRuleDoes(t *testing.T) {
	t.Parallel()
	server, asked := judgeThat(t, func(q question) reply {
		if q.Content == "lie" {
			return reply{body: `{"status":"approved"}`, secret: "a secret of another"}
		}
		return reply{body: `{"status":"rejected","reason":"so it is","note":"Be kind."}`}
	})
	r := newRig(t, holding, judgeAt(server.URL, time.Second, io.Discard))
	r.judgedAs(event.Flagged, "a", "hmm", "x")
	r.judgedAs(event.Rejected, "b", "no", "x")
	if n := asked.Load(); n != 0 {
		t.Errorf("asked about what rules decide %d times", n)
	}
	d := r.judgedAs(event.Rejected, "c", "fine", "x")
	if d.Moderator != byJudge || d.Reason != "so it is" || d.Note != "Be kind." || d.byPerson() {
		t.Errorf("verdict: %+v", d)
	}
	if d := r.judgedAs(event.Flagged, "d", "lie", "x"); d.Moderator != byJudge || d.Held.IsZero() {
		t.Errorf("verdict after a lie: %+v", d)
	}
	if got := ask[tried](r, http.StatusOK, annsToken, "POST", "/moderation/check", `{"content":"fine"}`); got.Status != "" || got.Otherwise != "ask the judge" {
		t.Errorf("check: %+v", got)
	}
}

// The example in the docs does what it says there.
func TestTheExampleJudge(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	port := bustest.FreePort(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "../../docs/examples/judge.mjs")
	cmd.Env = append(os.Environ(), "JUDGE_SECRET="+judgeSecret, fmt.Sprintf("PORT=%d", port))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	bustest.Eventually(t, 20*time.Second, "the example listens", func() bool {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	j := judgeAt("http://"+addr, 5*time.Second, os.Stderr)
	for content, want := range map[string]Verdict{
		"Grüße, how do you do?": {Status: event.Approved},
		"Buy now, it is cheap":  {Status: event.Rejected, Reason: "advertising"},
		"CAN YOU HEAR ME":       {Status: event.Flagged, Reason: "shouting", Note: "Please do not shout."},
	} {
		if got, err := j.ask(t.Context(), decision{ID: "c", PostID: "p", Content: content}); got != want || err != nil {
			t.Errorf("%q: %+v, %v; want %+v", content, got, err, want)
		}
	}
	other := newJudge(newWebhook(HookURL("http://"+addr), "a secret of another", time.Second), slog.New(slog.DiscardHandler))
	if _, err := other.once(t.Context(), decision{ID: "c"}); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("the example answers who does not know the secret: %v", err)
	}
}
