package web_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"newsfeed/internal/web"
)

// A thousand requests that fail alike are one line, and one more for each while
// that it goes on; errors that nobody expects all have theirs.
func TestAnOutageIsALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		rt := web.NewRouter(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})))
		var failure error
		rt.Handle("GET", "/", func(http.ResponseWriter, *http.Request) error { return failure })
		ask := func(n int, err error) string {
			failure = err
			log.Reset()
			for range n {
				rt.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
			}
			return log.String()
		}
		away := web.RetryIn(time.Second, errors.New("Redis is full"))
		if got := ask(1000, away); strings.Count(got, "\n") != 1 || !strings.Contains(got, "Redis is full") {
			t.Errorf("a thousand of an outage:\n%s", got)
		}
		if got := ask(5, errors.New("a surprise")); strings.Count(got, "\n") != 5 {
			t.Errorf("five surprises:\n%s", got)
		}
		time.Sleep(11 * time.Second)
		if got := ask(1000, away); strings.Count(got, "\n") != 1 || !strings.Contains(got, "more_since_the_last_line=999") {
			t.Errorf("a thousand more later:\n%s", got)
		}
	})
}
