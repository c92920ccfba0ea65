package service_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

const admin web.Secret = "the admin's token"

// replica is one of a service that does nothing but count what it lets through.
type replica struct {
	http.Handler
	served atomic.Int64
}

func newReplica(t *testing.T, r *bustest.Redis, limit web.RateLimit) *replica {
	t.Helper()
	client := r.Client()
	b := bus.New(t.Context(), client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(b.Close)
	one := &replica{}
	rt := web.NewRouter(slog.New(slog.DiscardHandler))
	rt.Handle(http.MethodPost, "/", service.NewRateLimit(b, "posts", limit, web.Tokens{admin}).Limit(
		func(w http.ResponseWriter, _ *http.Request) error {
			one.served.Add(1)
			w.WriteHeader(http.StatusNoContent)
			return nil
		}))
	one.Handler = rt
	return one
}

// unread fails the test when it is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// write asks for one write in the name of a client.
func write(t *testing.T, h http.Handler, client string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", unread{t})
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Forwarded-For", client)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRateLimit(t *testing.T) {
	r := bustest.Start(t)
	// So slow that no second of the test gives anything back.
	limit := web.RateLimit{Rate: 1, Period: time.Hour, Burst: 3}
	a, b := newReplica(t, r, limit), newReplica(t, r, limit)
	for i, one := range []*replica{a, b, a} {
		w := write(t, one, "192.0.2.1")
		if w.Code != http.StatusNoContent {
			t.Fatalf("write %d: status %d", i, w.Code)
		}
		if got, want := w.Header().Get("RateLimit-Policy"), `"writes";q=3;w=10800`; got != want {
			t.Errorf("policy %s, want %s", got, want)
		}
		if got, want := w.Header().Get("RateLimit"), `"writes";r=`+strconv.Itoa(2-i)+`;t=`; !strings.HasPrefix(got, want) {
			t.Errorf("write %d: %s, want %s…", i, got, want)
		}
	}
	for _, one := range []*replica{a, b} {
		w := write(t, one, "192.0.2.1")
		after, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if w.Code != http.StatusTooManyRequests || err != nil || after < 3500 || after > 3600 {
			t.Errorf("one too many: status %d, headers %v", w.Code, w.Header())
		}
		if body := w.Body.String(); !strings.Contains(body, "urn:newsfeed:problem:too-many-requests") || !strings.Contains(body, "1/h,burst=3") {
			t.Errorf("problem %s", body)
		}
	}
	if got := a.served.Load() + b.served.Load(); got != 3 {
		t.Errorf("%d were served, want 3", got)
	}
	if w := write(t, a, "192.0.2.1", "Authorization", "Bearer "+string(admin)); w.Code != http.StatusNoContent {
		t.Errorf("the admin: status %d", w.Code)
	}
	if w := write(t, a, "192.0.2.1", "Authorization", "Bearer guess"); w.Code != http.StatusTooManyRequests {
		t.Errorf("who guesses the token: status %d", w.Code)
	}
	if w := write(t, a, "192.0.2.2"); w.Code != http.StatusNoContent {
		t.Errorf("another client: status %d", w.Code)
	}
	for i, client := range []string{"2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3", "2001:db8::4"} {
		want := http.StatusNoContent
		if i == 3 {
			want = http.StatusTooManyRequests
		}
		if w := write(t, a, client); w.Code != want {
			t.Errorf("address %d of a network: status %d, want %d", i, w.Code, want)
		}
	}
	checkKeys(t, r)
}

// checkKeys holds the keys to the service's slot and to an end.
func checkKeys(t *testing.T, r *bustest.Redis) {
	t.Helper()
	client := r.Client()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, cluster := bustest.StartCluster(t)
	slot := func(key string) int64 { return cluster.ClusterKeySlot(t.Context(), key).Val() }
	got := map[string]bool{}
	for _, key := range keys {
		got[key] = true
		if slot(key) != slot("{posts}:events") || slot(key) == 0 {
			t.Errorf("%s is not in the slot of {posts}", key)
		}
		if ttl, err := client.TTL(t.Context(), key).Result(); err != nil || ttl <= 0 {
			t.Errorf("%s stays for ever (%v)", key, err)
		}
	}
	want := map[string]bool{
		"rate:{posts}:192.0.2.1": true, "rate:{posts}:192.0.2.2": true, "rate:{posts}:192.0.2.0/24": true,
		"rate:{posts}:2001:db8::/64": true, "rate:{posts}:2001:db8::/56": true, "rate:{posts}:2001:db8::/48": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// What a class of thirty behind one address does at once goes through by default.
func TestDefaultRateLimit(t *testing.T) {
	one := newReplica(t, bustest.Start(t), web.RateLimit{})
	for i := range 90 {
		if w := write(t, one, "192.0.2.1"); w.Code != http.StatusNoContent {
			t.Fatalf("write %d: status %d", i, w.Code)
		}
	}
	bustest.Eventually(t, 10*time.Second, "a flood is held back", func() bool {
		return write(t, one, "192.0.2.1").Code == http.StatusTooManyRequests
	})
	bustest.Eventually(t, 10*time.Second, "who has waited is let in again", func() bool {
		return write(t, one, "192.0.2.1").Code == http.StatusNoContent
	})
}

func TestRateLimitOff(t *testing.T) {
	r := bustest.Start(t)
	one := newReplica(t, r, web.RateLimit{Off: true})
	r.Kill() // it is not asked
	for range 300 {
		if w := write(t, one, "192.0.2.1"); w.Code != http.StatusNoContent || w.Header().Get("RateLimit") != "" {
			t.Fatalf("status %d, headers %v", w.Code, w.Header())
		}
	}
}

func TestRateLimitWithoutRedis(t *testing.T) {
	r := bustest.Start(t)
	one := newReplica(t, r, web.RateLimit{})
	r.Kill()
	if w := write(t, one, "192.0.2.1"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, headers %v; want 503 with Retry-After", w.Code, w.Header())
	}
	r.Restart()
	bustest.Eventually(t, 10*time.Second, "it works again", func() bool { return write(t, one, "192.0.2.1").Code == http.StatusNoContent })
}
