package service_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// paying is a service whose writes store stored(r) bytes, and count as stored if
// they were paid.
func paying(t *testing.T, r *bustest.Redis, limit web.RateLimit, stored func(*http.Request) int64) (http.Handler, *int64) {
	t.Helper()
	b := bus.New(t.Context(), r.Client(), bus.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(b.Close)
	l, total := service.NewRateLimit(b, "posts", limit, nil), new(int64)
	rt := web.NewRouter(slog.New(slog.DiscardHandler))
	rt.Handle(http.MethodPost, "/", l.Limit(func(w http.ResponseWriter, r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return fmt.Errorf("%w: %w", web.ErrInvalid, err) // as web.Decode does
		}
		if n := stored(r); n > 0 {
			if err := l.Pay(r, n); err != nil {
				return err
			}
		}
		*total += int64(len(body))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}))
	return rt, total
}

// sized asks for one write of size bytes; chunked hides the size.
func sized(h http.Handler, client string, size int, chunked bool) *httptest.ResponseRecorder {
	var body io.Reader = bytes.NewReader(make([]byte, size))
	if chunked {
		body = io.MultiReader(body)
	}
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Forwarded-For", client)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// slowly gives nothing back within a test.
func slowly(bytes int64) web.RateLimit {
	return web.RateLimit{Rate: 1000, Period: time.Hour, Burst: 1000, Bytes: web.ByteLimit{Amount: bytes, Period: 24 * time.Hour}}
}

func TestRateLimit_Bytes_BoundWhatIsStored(t *testing.T) {
	const budget = 8 << 20 // a quarter at once
	nothing := func(*http.Request) int64 { return 0 }
	for _, chunked := range []bool{false, true} {
		t.Run(fmt.Sprintf("chunked %v", chunked), func(t *testing.T) {
			h, stored := paying(t, bustest.Start(t), slowly(budget), nothing)
			refused := 0
			for range 30 {
				w := sized(h, "203.0.113.5", 100<<10, chunked)
				switch {
				case w.Code == http.StatusTooManyRequests:
					refused++
					if w.Header().Get("Retry-After") == "" || !strings.HasPrefix(w.Header().Get("RateLimit"), `"writes";r=`) {
						t.Errorf("headers %v", w.Header())
					}
				case w.Code != http.StatusNoContent:
					t.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
			if want := int64(20 * 100 << 10); *stored != want || refused != 10 {
				t.Errorf("%d bytes were stored and %d writes refused, want %d and 10", *stored, refused, want)
			}
			// A body of unknown length is refused when the write itself is paid already.
			if w := sized(h, "203.0.113.5", 10, chunked); !chunked && w.Code != http.StatusNoContent {
				t.Errorf("a short write that still fits: %d", w.Code)
			}
			if w := sized(h, "198.51.100.5", 100<<10, chunked); w.Code != http.StatusNoContent {
				t.Errorf("another client: %d", w.Code)
			}
		})
	}
}

// A short edit of a long text costs what it stores.
func TestRateLimit_Pay_CostsWhatIsStored(t *testing.T) {
	h, _ := paying(t, bustest.Start(t), slowly(8<<20), func(*http.Request) int64 { return 100 << 10 })
	admitted := 0
	for range 30 {
		if sized(h, "203.0.113.5", 10, false).Code == http.StatusNoContent {
			admitted++
		}
	}
	if admitted != 20 {
		t.Errorf("%d edits of 100 KiB were admitted, want 20", admitted)
	}
}

// A length that is only claimed does not use up what others in the network have.
func TestRateLimit_ClaimedLength_IsBounded(t *testing.T) {
	h, _ := paying(t, bustest.Start(t), slowly(8<<20), func(*http.Request) int64 { return 0 })
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	r.RemoteAddr, r.ContentLength = "203.0.113.5:1", 1<<40
	h.ServeHTTP(httptest.NewRecorder(), r)
	if w := sized(h, "203.0.113.6", 1<<20, false); w.Code != http.StatusNoContent {
		t.Errorf("a neighbour: status %d", w.Code)
	}
}

// Thirty people behind one address, each of whom writes a comment of 500 bytes
// every half a minute, are never refused: neither by the bytes of one lesson nor by
// those of the next.
func TestRateLimit_Default_ClassOfThirty(t *testing.T) {
	h, _ := paying(t, bustest.Start(t), web.RateLimit{}, func(*http.Request) int64 { return 0 })
	for i := range 90 {
		if w := sized(h, "203.0.113.5", 500, false); w.Code != http.StatusNoContent {
			t.Fatalf("write %d: %d %s", i, w.Code, w.Body)
		}
	}
	l := web.DefaultRateLimit()
	if hour := int64(30 * 120 * (2<<10 + 500)); hour > l.Bytes.Amount+l.Bytes.Burst() {
		t.Errorf("an hour of the class takes %d bytes, and there are %d", hour, l.Bytes.Amount+l.Bytes.Burst())
	}
}

// No set of addresses within one network gets more than the network's quota, and
// nobody is refused whose networks all have something left: a refused write takes
// nothing.
func TestRateLimit_AnyAddresses_NetworksKeepToTheirQuota(t *testing.T) {
	const burst = 3
	h := newReplica(t, bustest.Start(t), web.RateLimit{Rate: 1, Period: time.Hour, Burst: burst})
	share := map[int]int{32: 1, 24: 4, 64: 1, 56: 2, 48: 4}
	admitted := map[netip.Prefix]int{}
	r := rand.New(rand.NewPCG(15, 7))
	for i := range 400 {
		addr := netip.AddrFrom4([4]byte{192, 0, byte(r.IntN(2)), byte(r.IntN(8))})
		if i%2 == 0 {
			addr = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(r.IntN(2)), byte(r.IntN(3)), byte(r.IntN(4)), 15: byte(r.IntN(3))})
		}
		var within []netip.Prefix
		fits := true
		for bits, n := range share {
			if (bits <= 32) != addr.Is4() {
				continue
			}
			p := netip.PrefixFrom(addr, bits).Masked()
			within = append(within, p)
			fits = fits && admitted[p] < n*burst
		}
		w := write(t, h, addr.String())
		if got := w.Code == http.StatusNoContent; got != fits {
			t.Fatalf("write %d of %s: status %d, fits %v, admitted %v", i, addr, w.Code, fits, admitted)
		}
		if fits {
			for _, p := range within {
				admitted[p]++
			}
		}
	}
}
