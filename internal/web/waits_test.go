package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWaits_NetworkHasShare(t *testing.T) {
	for name, tt := range map[string]struct {
		addr func(i int) string
		want int
	}{
		"one address": {func(int) string { return "203.0.113.77" }, 2},
		"a /24":       {func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }, 8},
		"a /56":       {func(i int) string { return fmt.Sprintf("[2001:db8:2:%x::1]", i) }, 4},
		"a /48":       {func(i int) string { return fmt.Sprintf("[2001:db8:3:%x::1]", i<<8) }, 8},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWaits(20, 2)
			from := func(addr string) (func(), error) {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.RemoteAddr = addr + ":1"
				return w.Admit(r)
			}
			var leave func()
			for i := range tt.want {
				var err error
				if leave, err = from(tt.addr(i)); err != nil {
					t.Fatalf("request %d: %v", i, err)
				}
			}
			if _, err := from(tt.addr(tt.want)); err == nil {
				t.Error("one too many waits")
			}
			if _, err := from("198.51.100.1"); err != nil {
				t.Errorf("another client: %v", err)
			}
			leave()
			if _, err := from(tt.addr(tt.want)); err != nil {
				t.Errorf("one has left: %v", err)
			}
		})
	}
}
