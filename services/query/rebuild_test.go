package query

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// shortLease is how long a killed rebuild stands in the way of the next one.
const shortLease = 2 * time.Second

// The rebuild that a test kills is a process of its own: this test binary, which
// runs TestRebuildChild, with the address of Redis and the step to stop at.
const (
	childRedis = "NEWSFEED_TEST_REBUILD_REDIS"
	childStep  = "NEWSFEED_TEST_REBUILD_STEP"
)

func TestRebuildChild(t *testing.T) {
	addr, stop := os.Getenv(childRedis), os.Getenv(childStep)
	if addr == "" {
		t.Skip("for the tests that kill it")
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	b := bus.New(t.Context(), client, bus.Options{})
	defer b.Close()
	_, err := newStore(b).rebuild(t.Context(), shortLease, func(s Step) {
		if s.Doing == stop {
			_, _ = io.WriteString(os.Stdout, "there\n")
			select {} // until it is killed
		}
	})
	t.Fatalf("came to its end: %v", err)
}

// killAt runs a rebuild and kills it in the middle of a step.
func killAt(t *testing.T, addr, step string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRebuildChild$")
	cmd.Env = append(os.Environ(), childRedis+"="+addr, childStep+"="+step)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := ""
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "there" {
		said += lines.Text() + "\n"
	}
	there := lines.Text() == "there"
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); !there {
		t.Fatalf("the rebuild that was to be killed when it has %s: %v\n%s", step, err, said)
	}
}

// consume has the replica fold what stands in the streams until the test ends.
func (r *replica) consume(name string) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := r.bus.Consume(ctx, bus.Subscription{Group: event.Query, Consumer: name, Streams: sources()}, r.store.handle)
		if err != nil {
			r.t.Error(err)
		}
	}()
	r.t.Cleanup(func() { cancel(); <-done })
}

// caughtUp waits until the service has folded what stands in the streams.
func (r *replica) caughtUp(within time.Duration) {
	r.t.Helper()
	to, err := r.store.ends(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	c := &verifier{store: r.store}
	bustest.Eventually(r.t, within, "the service has caught up", func() bool {
		passed, err := c.passed(r.t.Context(), to)
		if err != nil {
			r.t.Fatal(err)
		}
		return passed
	})
}

// seed puts posts with comments into the streams, each comment approved by a
// second event, some of which come long after the first.
func seed(t *testing.T, client redis.UniversalClient, posts, comments int) {
	t.Helper()
	const base = 1_700_000_000_000
	var pipe redis.Pipeliner
	flush := func() {
		if pipe != nil {
			if _, err := pipe.Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		pipe = client.Pipeline()
	}
	flush()
	n := 0
	add := func(typ, post, data string) {
		owner := event.Owner(typ)
		n++
		e := event.Event{Type: typ, Data: []byte(data), ID: "seed-" + strconv.Itoa(n), Source: owner, Subject: post, Time: time.UnixMilli(base + int64(n))}
		pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: event.Stream(owner), Values: e.Fields()})
		if n%1_000 == 0 {
			flush()
		}
	}
	text := strings.Repeat("something that somebody says ", 8)
	at := func(i int) string { return time.UnixMilli(base + int64(i)).UTC().Format(time.RFC3339Nano) }
	for i := range posts {
		id := "p" + strconv.Itoa(i)
		add(event.TypePostCreated, id, `{"id":"`+id+`","title":"title of `+id+`","body":"`+text+`","author":"ann","createdAt":"`+at(i)+`","version":1}`)
	}
	comment := func(i int, typ, status, version string) {
		post := "p" + strconv.Itoa(i%posts)
		add(typ, post, `{"postId":"`+post+`","id":"c`+strconv.Itoa(i)+`","content":"`+text+`","author":"bob","status":"`+status+
			`","createdAt":"`+at(posts+i)+`","version":`+version+`}`)
	}
	const late = 100 // comments that are judged together
	for i := range comments {
		comment(i, event.TypeCommentCreated, "pending", "1")
		if i%late == late-1 || i == comments-1 {
			for j := i - i%late; j <= i; j++ {
				comment(j, event.TypeCommentUpdated, "approved", "2")
			}
		}
	}
	flush()
}

func TestOnlyOneRebuild(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	seed(t, server.Client(), 5, 20)
	first, second := newReplica(t, server.Addr()), newReplica(t, server.Addr())
	first.consume("one")
	tried := false
	done, err := first.store.rebuild(t.Context(), time.Minute, func(s Step) {
		if s.Doing == "folded" && !tried {
			tried = true
			never := func(context.Context) (bool, error) { return true, nil }
			if _, err := second.store.rebuildOnce(t.Context(), time.Minute, 0, func(Step) {}, never); !errors.Is(err, ErrBusy) {
				t.Errorf("a second rebuild says %v", err)
			}
		}
	})
	if err != nil || !tried {
		t.Fatal(tried, err)
	}
	if done.Generation != 2 || done.Replaced != 1 || done.Entries != 45 || !done.Checked.Clean() {
		t.Errorf("done is %+v", done)
	}
}

// Whoever stands still for longer than its lease finds that another has taken
// over, and spoils nothing.
func TestARebuildThatLostItsLease(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	seed(t, server.Client(), 5, 20)
	first, second := newReplica(t, server.Addr()), newReplica(t, server.Addr())
	first.consume("one")
	taken := false
	_, err := first.store.rebuild(t.Context(), time.Minute, func(s Step) {
		if s.Doing != "folded" || taken {
			return
		}
		taken = true
		first.client.Del(t.Context(), leaseKey) // as if it had ended
		if _, err := second.store.rebuild(t.Context(), time.Minute, func(Step) {}); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, errLeaseLost) {
		t.Errorf("the first rebuild says %v", err)
	}
	r, err := second.store.peekRegistry(t.Context())
	if err != nil || r.Live.Number != 3 || r.Next != nil {
		t.Errorf("registered are %+v, %v; want generation 3 of the second rebuild", r, err)
	}
	report, err := Verify(t.Context(), second.bus, func(Step) {})
	if err != nil || !report.Clean() {
		t.Errorf("%+v %v", report, err)
	}
}

// What serves where there is no Redis can do it as well.
func TestRebuildInMemory(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	seed(t, client, 5, 20)
	r := newReplica(t, server.Addr())
	r.consume("one")
	r.caughtUp(30 * time.Second)
	_, before := r.get("/posts")
	done, err := r.store.rebuild(t.Context(), time.Minute, func(Step) {})
	if err != nil || done.Generation != 2 {
		t.Fatal(done, err)
	}
	if _, after := r.get("/posts"); after != before || !strings.Contains(after, "something that somebody says") {
		t.Errorf("the page was\n%s\nand is\n%s", before, after)
	}
	if report, err := Verify(t.Context(), r.bus, func(Step) {}); err != nil || !report.Clean() {
		t.Errorf("%+v %v", report, err)
	}
}

// On a cluster the keys of a generation are found on the node that has the view.
func TestRebuildOnACluster(t *testing.T) {
	_, client := bustest.StartCluster(t)
	seed(t, client, 5, 20)
	b := bus.New(t.Context(), client, bus.Options{})
	defer b.Close()
	for want := 2; want <= 3; want++ { // the second has keys to delete
		done, err := Rebuild(t.Context(), b, func(Step) {})
		if err != nil || done.Generation != want || done.Checked.Comments != 20 {
			t.Fatal(done, err)
		}
	}
	s := newStore(b)
	for number, want := range map[int]bool{2: false, 3: true} {
		found := false
		err := s.scan(t.Context(), view{number: number}.prefix(), func([]string) error { found = true; return nil })
		if err != nil || found != want {
			t.Errorf("keys of generation %d: %v, %v", number, found, err)
		}
	}
}
