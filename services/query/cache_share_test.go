package query

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// loading is a page that is asked for, whose reading a test ends.
type loading struct {
	t      *testing.T
	cache  *cache
	loads  atomic.Int64
	finish chan bus.ID // the version that is read
}

// ask asks for the page, and returns its version.
func (l *loading) ask() bus.ID {
	l.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/posts", nil)
	w := httptest.NewRecorder()
	err := l.cache.serve(w, r, pageKey{path: "/posts"}, loader{elements: 1, read: func(context.Context) (*web.Rendered, bus.ID, error) {
		l.loads.Add(1)
		version := <-l.finish
		return web.RenderBody("text/plain", []byte(version.String())), version, nil
	}})
	if err != nil {
		l.t.Error(err)
	}
	id, err := bus.ParseID(w.Body.String())
	if err != nil {
		l.t.Error(err)
	}
	return id
}

// Who comes while a page is being read does not take it if it may be too old: it
// was begun too long ago, a newer notice has been seen, or some may have been
// missed.
func TestAReadingThatBeganTooEarly(t *testing.T) {
	one, two := bus.ID{Ms: 1}, bus.ID{Ms: 2}
	for name, c := range map[string]struct {
		meanwhile func(*cache)
		loads     int64
	}{
		"early enough":  {func(*cache) { time.Sleep(maxStale / 2) }, 1},
		"too long ago":  {func(*cache) { time.Sleep(maxStale + time.Millisecond) }, 2},
		"newer notice":  {func(c *cache) { c.saw(two) }, 2},
		"missed some":   {func(c *cache) { c.missed(bus.ID{}) }, 2},
		"cannot follow": {func(c *cache) { c.lost() }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &loading{t: t, cache: newCache(nil), finish: make(chan bus.ID)}
				l.cache.missed(one)
				var first, second bus.ID
				var asking sync.WaitGroup
				asking.Go(func() { first = l.ask() })
				synctest.Wait()
				asking.Go(func() { second = l.ask() })
				synctest.Wait()
				c.meanwhile(l.cache)
				l.finish <- one
				synctest.Wait()
				if l.loads.Load() != c.loads {
					t.Errorf("read %d times, want %d", l.loads.Load(), c.loads)
				}
				if l.loads.Load() == 2 {
					l.finish <- two
				}
				asking.Wait()
				if first != one || l.loads.Load() == 2 && second != two {
					t.Errorf("the answers are %s and %s", first, second)
				}
			})
		})
	}
}

// A page that was being read when notices were missed is not kept: by its version
// it may be of a stream that is lost.
func TestAReadingOverAGapIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &loading{t: t, cache: newCache(nil), finish: make(chan bus.ID)}
		l.cache.missed(bus.ID{Ms: 5})
		var asking sync.WaitGroup
		asking.Go(func() { l.ask() })
		synctest.Wait()
		l.cache.missed(bus.ID{Ms: 1})
		l.finish <- bus.ID{Ms: 5}
		asking.Wait()
		for want := 2; want <= 3; want++ {
			l.cache.proved(bus.ID{Ms: 1}, time.Now())
			var got bus.ID
			asking.Go(func() { got = l.ask() })
			synctest.Wait()
			if want == 3 { // the page of the new stream is kept
				asking.Wait()
				if l.loads.Load() != 2 || got != (bus.ID{Ms: 1}) {
					t.Errorf("read %d times, got %s", l.loads.Load(), got)
				}
				return
			}
			if l.loads.Load() != 2 {
				t.Fatalf("read %d times, want 2", l.loads.Load())
			}
			l.finish <- bus.ID{Ms: 1}
			asking.Wait()
		}
	})
}

// What is asked for at the same time is read once.
func TestReadingsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &loading{t: t, cache: newCache(nil), finish: make(chan bus.ID)}
		l.cache.missed(bus.ID{})
		var asking sync.WaitGroup
		for range 64 {
			asking.Go(func() { l.ask() })
		}
		synctest.Wait()
		if n := l.loads.Load(); n != 1 {
			t.Errorf("%d readings for 64 who asked at once", n)
		}
		for range l.loads.Load() {
			l.finish <- bus.ID{Ms: 1}
		}
		asking.Wait()
	})
}
