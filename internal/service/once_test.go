package service_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

func once(t *testing.T, target, body string) service.Once {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Idempotency-Key", "0123456789abcdef")
	o, err := service.ReadOnce(r, target, body)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOnce(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	first, later := service.Made{ID: "first", CreatedAt: at}, service.Made{ID: "later", CreatedAt: at.Add(time.Second)}
	record, err := once(t, "POST /a", "text").Record(func(key string) string { return "{a}:idem:" + key }, first)
	if err != nil || record.Key != "{a}:idem:0123456789abcdef" || record.TTL != 24*time.Hour {
		t.Fatalf("record %+v, %v", record, err)
	}
	seen := &bus.SeenError{Key: record.Key, Value: record.Value}
	if got, err := once(t, "POST /a", "text").First(later, seen); err != nil || got != first {
		t.Errorf("the same again: %+v, %v; want %+v", got, err, first)
	}
	if got, err := once(t, "POST /a", "text").First(later, nil); err != nil || got != later {
		t.Errorf("not seen: %+v, %v; want %+v", got, err, later)
	}
	for _, other := range []service.Once{once(t, "POST /a", "other"), once(t, "POST /b", "text")} {
		if _, err := other.First(later, seen); !errors.Is(err, web.ErrUnprocessable) {
			t.Errorf("another request under the key: %v", err)
		}
	}
	if _, err := once(t, "POST /a", "text").First(later, &bus.SeenError{Value: "garbage"}); err == nil || errors.Is(err, web.ErrUnprocessable) {
		t.Errorf("garbage under the key: %v", err)
	}
}

func TestOnceWithoutKey(t *testing.T) {
	o, err := service.ReadOnce(httptest.NewRequest(http.MethodPost, "/", nil), "POST /a", "text")
	if err != nil {
		t.Fatal(err)
	}
	mine := service.Made{ID: "mine"}
	if record, err := o.Record(func(key string) string { return key }, mine); record != nil || err != nil {
		t.Errorf("record %v, %v; want none", record, err)
	}
	if got, err := o.First(mine, bus.ErrGuard); got != mine || !errors.Is(err, bus.ErrGuard) {
		t.Errorf("first %v, %v", got, err)
	}
}
