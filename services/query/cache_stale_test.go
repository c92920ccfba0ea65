package query

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"newsfeed/internal/bustest"
	"newsfeed/internal/web"
)

// cachedReplica is a replica that reads pages through one address of Redis and
// follows the notices through another.
func cachedReplica(t *testing.T, reads, follows string) *replica {
	t.Helper()
	r, f := withoutHub(t, reads, web.StreamOptions{}), withoutHub(t, follows, web.StreamOptions{})
	r.hub = f.hub
	r.hub.cache = newCache(r.store)
	rt := web.NewRouter(slog.New(slog.DiscardHandler))
	api{store: r.store, hub: r.hub, live: newLive(r.hub, nil, nil)}.routes(rt)
	server := httptest.NewServer(rt)
	t.Cleanup(server.Close)
	r.url = server.URL
	r.follow()
	return r
}

// watched polls a page whose post changes, and knows what it may show when.
type watched struct {
	t       *testing.T
	reader  *replica
	polling sync.WaitGroup
	stop    chan struct{}

	mu      sync.Mutex
	changes []time.Time // by version from 1: when the view surely had it
	seen    []seen
}

// seen is one answer.
type seen struct {
	begun, ended time.Time
	version      int64 // -1 for anything but a page
}

// watch polls the feed of a replica from several clients until ended.
func watch(t *testing.T, r *replica) *watched {
	w := &watched{t: t, reader: r, stop: make(chan struct{})}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: time.Second}
	t.Cleanup(client.CloseIdleConnections)
	for range 4 {
		w.polling.Go(func() {
			for {
				select {
				case <-w.stop:
					return
				default:
				}
				s := seen{begun: time.Now(), version: versionOf(client, r.url+"/posts")}
				s.ended = time.Now()
				w.mu.Lock()
				w.seen = append(w.seen, s)
				w.mu.Unlock()
			}
		})
	}
	return w
}

// versionOf is that of the first post of a page.
func versionOf(client *http.Client, url string) int64 {
	resp, err := client.Get(url)
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	var posts []postView
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&posts) != nil {
		return -1
	}
	if len(posts) == 0 {
		return 0
	}
	return posts[0].Version
}

// write changes the post n times through another replica, a moment between.
func (w *watched) write(at *clock, writer *replica, n int) {
	for range n {
		w.mu.Lock()
		version := int64(len(w.changes) + 1)
		w.mu.Unlock()
		writer.post(at.next(), "p", "post", version)
		w.changed()
		time.Sleep(15 * time.Millisecond) // a pace of writing
	}
}

// changed notes that the view has the next version now.
func (w *watched) changed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = append(w.changes, time.Now())
}

// upTo waits until the reader shows a version.
func (w *watched) upTo(version int) {
	w.t.Helper()
	bustest.Eventually(w.t, 30*time.Second, "the page is up to date", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.seen) > 0 && w.seen[len(w.seen)-1].version >= int64(version)
	})
}

// end stops polling and judges: whoever asked more than maxStale after a change
// got a page that has it, or none.
func (w *watched) end() {
	w.t.Helper()
	close(w.stop)
	w.polling.Wait()
	var worst time.Duration
	none := 0
	for _, s := range w.seen {
		if s.version < 0 {
			none++
			continue
		}
		if int(s.version) < len(w.changes) {
			worst = max(worst, s.begun.Sub(w.changes[s.version])) // of the first that it lacks
		}
	}
	w.t.Logf("%d changes, %d answers, %d without a page; the stalest lacked a change of %s ago", len(w.changes), len(w.seen), none, worst.Round(time.Microsecond))
	if worst > maxStale {
		w.t.Errorf("a page lacked a change of %s ago, more than %s", worst, maxStale)
	}
}

// What one replica changes, the other one's pages have within the bound, whatever
// becomes of its follower.
func TestStaleness(t *testing.T) {
	for name, trouble := range map[string]func(w *watched, at *clock, writer *replica, reads, follows *bustest.Proxy){
		"no trouble": func(w *watched, at *clock, writer *replica, _, _ *bustest.Proxy) { w.write(at, writer, 60) },
		"the follower is cut off": func(w *watched, at *clock, writer *replica, _, follows *bustest.Proxy) {
			follows.Refuse(true)
			w.write(at, writer, 40)
			follows.Refuse(false)
			w.write(at, writer, 20)
		},
		"the follower hears nothing": func(w *watched, at *clock, writer *replica, _, follows *bustest.Proxy) {
			follows.Slow(1500*time.Millisecond, 0)
			w.write(at, writer, 60)
			follows.Slow(0, 0)
		},
		"the follower is late": func(w *watched, at *clock, writer *replica, _, follows *bustest.Proxy) {
			follows.Slow(70*time.Millisecond, 0)
			w.write(at, writer, 60)
		},
		"reading takes long": func(w *watched, at *clock, writer *replica, reads, _ *bustest.Proxy) {
			reads.Slow(80*time.Millisecond, 0)
			w.write(at, writer, 60)
		},
		"readers are cut off": func(w *watched, at *clock, writer *replica, reads, _ *bustest.Proxy) {
			for range 6 {
				reads.Cut()
				w.write(at, writer, 10)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := bustest.Start(t, "--appendonly", "no")
			reads, follows := bustest.NewProxy(t, server.Addr()), bustest.NewProxy(t, server.Addr())
			writer, reader := newReplica(t, server.Addr()), cachedReplica(t, reads.Addr(), follows.Addr())
			var at clock
			w := watch(t, reader)
			w.write(&at, writer, 5)
			w.upTo(5)
			trouble(w, &at, writer, reads, follows)
			w.upTo(len(w.changes))
			w.end()
		})
	}
}

// While Redis is away, or silent, a page is given for the bound at most, and what
// is changed when it is back is seen in time.
func TestStalenessWithoutRedis(t *testing.T) {
	for name, trouble := range map[string]struct{ away, back func(*bustest.Redis) }{
		"killed": {(*bustest.Redis).Kill, (*bustest.Redis).Restart},
		"silent": {(*bustest.Redis).Pause, (*bustest.Redis).Continue},
	} {
		t.Run(name, func(t *testing.T) {
			server := bustest.Start(t)
			writer, reader := newReplica(t, server.Addr()), newReplica(t, server.Addr())
			var at clock
			w := watch(t, reader)
			w.write(&at, writer, 10)
			w.upTo(10)
			trouble.away(server)
			away := time.Now()
			time.Sleep(5 * maxStale) // as long as it is away
			back := time.Now()
			trouble.back(server)
			w.write(&at, writer, 10)
			w.upTo(20)
			w.end()
			refused := 0
			for _, s := range w.seen {
				if s.begun.Before(away.Add(maxStale)) || s.begun.After(back) {
					continue
				}
				if s.version < 0 {
					refused++
				} else if s.ended.Before(back) {
					t.Errorf("a page %s after Redis was gone", s.begun.Sub(away))
				}
			}
			if name == "killed" && refused == 0 {
				t.Error("nobody was told that Redis is away")
			}
		})
	}
}

// Another generation takes the place of the one whose pages are kept, and it has
// what no notice has told of.
func TestStalenessOfASwap(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	writer, reader := newReplica(t, server.Addr()), newReplica(t, server.Addr())
	w := watch(t, reader)
	for i := range 3 {
		version := int64(2*i + 1)
		e := entryOf(uint64(version), "PostUpdated", `{"id":"p","title":"in the streams","version":`+number(int(version))+`}`)
		(&world{client: writer.client}).put(t, e)
		if err := writer.store.handle(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		w.changed()
		w.upTo(int(version))
		// This one gets into the streams alone: the view has it after the swap.
		(&world{client: writer.client}).put(t, entryOf(uint64(version+1), "PostUpdated",
			`{"id":"p","title":"in the streams alone","version":`+number(int(version+1))+`}`))
		writer.store.catchUp = 0
		if _, err := writer.store.rebuild(t.Context(), time.Minute, func(Step) {}); err != nil {
			t.Fatal(err)
		}
		w.changed()
		w.upTo(int(version + 1))
	}
	w.end()
}

// The stream of notices is lost with all the rest, and begins anew.
func TestStalenessOfALostStream(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	writer, reader := newReplica(t, server.Addr()), newReplica(t, server.Addr())
	var at clock
	for range 3 {
		w := watch(t, reader)
		w.write(&at, writer, 5)
		w.upTo(5)
		if err := writer.client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		flushed := time.Now()
		bustest.Eventually(t, 10*time.Second, "nothing is shown", func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.seen[len(w.seen)-1].version == 0
		})
		close(w.stop)
		w.polling.Wait()
		for _, s := range w.seen {
			if s.version > 0 && s.begun.After(flushed.Add(maxStale)) {
				t.Errorf("a page %s after all was lost", s.begun.Sub(flushed))
			}
		}
		reader.warm("/posts")
		writer.store.known.Store(nil)
	}
}
