package query

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// Pages are kept as they were sent, each with the version of the view that it
// was read at. One is given again only while all of this holds; see
// docs/decisions/0031:
//
//   - the follower of the notices is alive: within the last maxStale, the stream of
//     notices was seen to end where the follower is;
//   - it has seen no notice that is newer than the page;
//   - it has missed none since the page was read.

const (
	// maxStale is how long after a change of the view a page without it may still
	// be given.
	maxStale = 100 * time.Millisecond
	// proveAfter is how old the proof that the follower is alive may become before
	// another is looked for, while pages are asked for, and proveEvery how often
	// that is tried.
	proveAfter = maxStale / 2
	proveEvery = maxStale / 10
	// maxCached is how many bytes of pages are kept, and cachedBeside about what
	// each takes beside its body.
	maxCached    = 16 << 20
	cachedBeside = 512
	// loadTimeout bounds one reading, which others may wait for: its caller's going
	// away does not end it.
	loadTimeout = 10 * time.Second
)

// cache keeps pages. Its zero value is not ready; see newCache.
type cache struct {
	store   *store
	kept    *otter.Cache[pageKey, *keptPage]
	loading singleflight.Group
	limits  *readLimits
	prove   chan struct{} // holds a token when a proof is wanted

	mu    sync.Mutex // held while known is changed
	known atomic.Pointer[known]
}

// pageKey is all of a request that its page depends on: the resource, and the
// parameters that mean something, always written in the same way.
type pageKey struct{ path, query string }

// keptPage is a page as it is sent.
type keptPage struct {
	*web.Rendered
	version bus.ID    // of the view that it shows
	epoch   int       // in which its reading began
	begun   time.Time // when its reading began
}

// known is what is known of the notices.
type known struct {
	alive bool      // whether they are followed
	seen  bus.ID    // the last that the follower has seen
	epoch int       // grows whenever the follower may have missed some
	asOf  time.Time // when the stream last ended at seen, for all we know
}

func newCache(s *store) *cache {
	c := &cache{store: s, limits: newReadLimits(web.RateLimit{Off: true}), prove: make(chan struct{}, 1), kept: otter.Must(&otter.Options[pageKey, *keptPage]{
		MaximumWeight: maxCached,
		Weigher: func(k pageKey, p *keptPage) uint32 {
			return uint32(len(k.path) + len(k.query) + p.Size() + cachedBeside) //nolint:gosec // far below
		},
		Executor: func(task func()) { task() }, // no goroutine that nobody waits for
	})}
	c.known.Store(&known{})
	return c
}

// loader makes a page of at most so many elements: read reads and renders it, and
// says at which version of the view.
type loader struct {
	elements int
	read     func(ctx context.Context) (*web.Rendered, bus.ID, error)
	network  string // of the client who asks
}

func (l loader) by(network string) loader {
	l.network = network
	return l
}

// serve answers with the page that is kept, or else with one that load reads. A
// client that follows the notices can say up to which it has them, in
// Last-Event-ID: no older page is given then.
func (c *cache) serve(w http.ResponseWriter, r *http.Request, key pageKey, load loader) error {
	least, told := bus.ID{}, true
	if has := r.Header.Get("Last-Event-ID"); has != "" {
		least, told = parseLastID(has)
	}
	if page, ok := c.kept.GetIfPresent(key); ok && told && !least.After(page.version) && c.good(page) {
		return c.limits.send(w, r, page.Rendered)
	}
	if err := c.limits.admit(r); err != nil {
		return err
	}
	page, err := c.load(r.Context(), key, least, told, load.by(web.ClientNet(r)))
	if err != nil {
		return err
	}
	return c.limits.send(w, r, page.Rendered)
}

// good reports whether a page may be given once more, and sees to it that the
// next one may be.
func (c *cache) good(page *keptPage) bool {
	now := c.known.Load()
	if !now.alive || page.epoch != now.epoch || now.seen.After(page.version) {
		return false
	}
	age := time.Since(now.asOf)
	if age > proveAfter {
		select {
		case c.prove <- struct{}{}:
		default:
		}
	}
	return age < maxStale
}

// load reads a page, once for all who ask for it at the same time. Who comes when
// it is being read already takes it on the same conditions as a kept one, but for
// the proof: that it has been read within maxStale is one by itself.
func (c *cache) load(ctx context.Context, key pageKey, least bus.ID, told bool, load loader) (*keptPage, error) {
	own := false
	read := func() (any, error) {
		own = true
		return c.read(ctx, key, load)
	}
	if told {
		v, err, _ := c.loading.Do(key.path+"?"+key.query, read)
		if err != nil {
			return nil, err
		}
		page, _ := v.(*keptPage)
		now := c.known.Load()
		if own || time.Since(page.begun) < maxStale && page.epoch == now.epoch &&
			!now.seen.After(page.version) && !least.After(page.version) {
			return page, nil
		}
	}
	return c.read(ctx, key, load)
}

// read reads a page and keeps it.
func (c *cache) read(ctx context.Context, key pageKey, load loader) (*keptPage, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	done, err := c.limits.construct(ctx, load.network, load.elements)
	if err != nil {
		return nil, err
	}
	defer done()
	page := &keptPage{epoch: c.known.Load().epoch, begun: time.Now()}
	if page.Rendered, page.version, err = load.read(ctx); err != nil {
		return nil, err
	}
	c.proved(page.version, page.begun)
	c.kept.Set(key, page) // whether it may be given is asked then
	return page, nil
}

// fresh answers with a page that is read now, for this request alone.
func (c *cache) fresh(w http.ResponseWriter, r *http.Request, load loader) error {
	if err := c.limits.admit(r); err != nil {
		return err
	}
	page, err := c.readFresh(r.Context(), load.by(web.ClientNet(r)))
	if err != nil {
		return err
	}
	return c.limits.send(w, r, page)
}

func (c *cache) readFresh(ctx context.Context, load loader) (*web.Rendered, error) {
	done, err := c.limits.construct(ctx, load.network, load.elements)
	if err != nil {
		return nil, err
	}
	defer done()
	page, _, err := load.read(ctx)
	return page, err
}

// change changes what is known.
func (c *cache) change(how func(*known)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := *c.known.Load()
	how(&next)
	c.known.Store(&next)
}

// saw says that the follower has all notices up to at: older pages are not given
// any more.
func (c *cache) saw(at bus.ID) { c.change(func(k *known) { k.alive, k.seen = true, at }) }

// missed says that the follower is at a place, and may have missed notices: no
// page that has been read so far is given any more.
func (c *cache) missed(at bus.ID) {
	c.change(func(k *known) { *k = known{alive: true, seen: at, epoch: k.epoch + 1} })
	c.kept.InvalidateAll()
}

// lost says that notices cannot be followed for now.
func (c *cache) lost() { c.change(func(k *known) { k.alive, k.asOf = false, time.Time{} }) }

// proved says that the last notice there was after a moment was last.
func (c *cache) proved(last bus.ID, after time.Time) {
	c.change(func(k *known) {
		if k.alive && last == k.seen && after.After(k.asOf) {
			k.asOf = after
		}
	})
}

// servable reports whether pages that are kept may be given now.
func (c *cache) servable() bool {
	now := c.known.Load()
	return now.alive && time.Since(now.asOf) < maxStale
}

// run looks for proofs as they are wanted, until ctx ends. A service that nobody
// asks for pages asks Redis for none.
func (c *cache) run(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-c.prove:
		case <-ctx.Done():
			return
		}
		begun := time.Now()
		asking, cancel := context.WithTimeout(ctx, maxStale)
		last, err := c.store.noticed(asking)
		cancel()
		if err == nil { // else pages are read from Redis, which says what is wrong
			c.proved(last, begun)
		}
		pause.Reset(proveEvery)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
}
