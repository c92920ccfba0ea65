package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/web"
)

type away struct{ after time.Duration }

func (e away) Error() string             { return "dial tcp 10.0.0.7:6379: refused" }
func (e away) RetryAfter() time.Duration { return e.after }

type full struct{ away }

func (full) Full() bool { return true }

func problem(t *testing.T, resp answer) web.Problem {
	t.Helper()
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type = %q, want application/problem+json", got)
	}
	var p web.Problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWriteError(t *testing.T) {
	const urn = "urn:newsfeed:problem:"
	fields := []web.FieldError{{Pointer: "/title", Detail: "must not be empty"}}
	for _, tt := range []struct {
		name  string
		err   error
		want  web.Problem
		retry string
		log   string // what the log must have; "" is no line at all
	}{
		{"not found", fmt.Errorf("%w: post 7", web.ErrNotFound),
			web.Problem{Type: urn + "not-found", Title: "There is nothing here", Status: 404, Detail: "post 7"}, "", ""},
		{"bare", web.ErrConflict,
			web.Problem{Type: urn + "conflict", Title: "The request conflicts with the present state", Status: 409}, "", ""},
		{"prefix is not shown", fmt.Errorf("posts.get: %w: post 7", web.ErrNotFound),
			web.Problem{Type: urn + "not-found", Title: "There is nothing here", Status: 404, Detail: "post 7"}, "", ""},
		{"fields", fmt.Errorf("new post: %w", &web.Invalid{Fields: fields}),
			web.Problem{Type: urn + "invalid", Title: "The request is not valid", Status: 400,
				Detail: "/title must not be empty", Errors: fields}, "", ""},
		{"unauthorized", web.Unauthorized(httptest.NewRequest(http.MethodGet, "/", nil)),
			web.Problem{Type: urn + "unauthorized", Title: "A valid token is needed", Status: 401,
				Detail: "send it as Authorization: Bearer <token>"}, "", ""},
		{"unavailable", fmt.Errorf("%w: save post: %w", web.ErrNotFound, away{1500 * time.Millisecond}),
			web.Problem{Type: urn + "unavailable", Title: "The service is temporarily unavailable", Status: 503}, "2", "WARN 10.0.0.7"},
		{"unavailable for no time", away{0},
			web.Problem{Type: urn + "unavailable", Title: "The service is temporarily unavailable", Status: 503}, "1", "WARN 10.0.0.7"},
		{"full", fmt.Errorf("save post: %w", full{away{30 * time.Second}}),
			web.Problem{Type: urn + "storage-full", Title: "There is no room for new texts at the moment", Status: 503}, "30", ""},
		{"too many", web.RetryIn(3*time.Second, fmt.Errorf("%w: slow down", web.ErrTooMany)),
			web.Problem{Type: urn + "too-many-requests", Title: "Too many requests", Status: 429, Detail: "slow down"}, "3", ""},
		{"unknown", errors.New("secret: /var/lib"),
			web.Problem{Type: urn + "internal", Title: "Something went wrong on our side", Status: 500}, "", "ERROR secret"},
		{"unknown that speaks like us", errors.New("internal server error: secret"),
			web.Problem{Type: urn + "internal", Title: "Something went wrong on our side", Status: 500}, "", "ERROR secret"},
		{"cancelled, but not by the client", context.Canceled,
			web.Problem{Type: urn + "internal", Title: "Something went wrong on our side", Status: 500}, "", "ERROR canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var logged bytes.Buffer
			w := httptest.NewRecorder()
			w.Header().Set("ETag", `"1"`)
			web.WriteError(w, httptest.NewRequest(http.MethodGet, "/", nil), slog.New(slog.NewTextHandler(&logged, nil)), tt.err)
			resp := answer{w.Code, w.Header(), w.Body}
			if diff := cmp.Diff(tt.want, problem(t, resp)); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
			if resp.StatusCode != tt.want.Status || resp.Header.Get("Retry-After") != tt.retry || resp.Header.Get("ETag") != "" {
				t.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
			}
			if got := resp.Header.Get("WWW-Authenticate"); (got == "Bearer") != (tt.want.Status == 401) {
				t.Errorf("WWW-Authenticate = %q with %d", got, tt.want.Status)
			}
			level, what, _ := strings.Cut(tt.log, " ")
			if tt.log == "" && logged.Len() > 0 || !strings.Contains(logged.String(), level) || !strings.Contains(logged.String(), what) {
				t.Errorf("log = %q, want %q", logged.String(), tt.log)
			}
		})
	}
}

func TestWriteErrorClientGone(t *testing.T) {
	var logged bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	web.WriteError(w, r, slog.New(slog.NewTextHandler(&logged, nil)), fmt.Errorf("read: %w", ctx.Err()))
	if w.Code != http.StatusServiceUnavailable || logged.Len() > 0 {
		t.Errorf("status %d, log %q; want 503 and nothing", w.Code, logged.String())
	}
}
