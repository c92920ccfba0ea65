package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// Everything that was written is read back at once, each time from the replica
// of query that did not answer before, and is never missing or stale.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	inParallel(1_000, func(i int) {
		replicas := s.replicas["query"]
		p, err := written[post](s, request{service: "posts", method: "POST", path: "/posts", body: object(map[string]string{"title": "first"})})
		if err != nil {
			t.Error(err)
			return
		}
		if err := s.readBack(replicas[i%2], p.ID, "version=1", func(got post) bool { return got.Title == "first" && got.Version == 1 }); err != nil {
			t.Error(err)
		}
		edit := request{service: "posts", method: "PATCH", path: "/posts/" + p.ID, body: object(map[string]string{"title": "second"})}
		if _, err := written[post](s, edit.token(p.EditToken)); err != nil {
			t.Error(err)
			return
		}
		if err := s.readBack(replicas[1-i%2], p.ID, "version=2", func(got post) bool { return got.Title == "second" && got.Version == 2 }); err != nil {
			t.Error(err)
		}
	})
	p := s.newPost("With comments")
	inParallel(200, func(i int) {
		c, err := written[comment](s, commenting(p.ID, fmt.Sprintf("comment %d", i), "bob"))
		if err != nil {
			t.Error(err)
			return
		}
		// 20 others may have come since and be shown instead; the wait is the same.
		for version := 1; version <= 2; version++ {
			query := fmt.Sprintf("comment=%s&version=%d", c.ID, version)
			err := s.readBack(s.replicas["query"][(i+version)%2], p.ID, query, func(got post) bool {
				for _, found := range got.Comments {
					if found.ID == c.ID {
						return found.Version >= int64(version) && (version < 2 || found.Status == "approved")
					}
				}
				return len(got.Comments) == 20
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// inParallel calls do with 0 to n-1.
func inParallel(n int, do func(i int)) {
	work := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range work {
				do(i)
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
}

// written sends a write and returns what it made.
func written[T any](s *system, r request) (T, error) {
	var none T
	a, err := s.do(r)
	if err != nil {
		return none, err
	}
	if a.status != http.StatusCreated && a.status != http.StatusOK {
		return none, fmt.Errorf("%s: %d %s", r, a.status, a.body)
	}
	return read[T](s, a), nil
}

// readBack asks a replica once for a post that is no older than the query says.
func (s *system) readBack(p *process, id, query string, fresh func(post) bool) error {
	r := request{service: "query", path: "/posts/" + id + "?" + query + "&wait=10s"}
	a, err := s.send(p, r)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s: %d %s", r, a.status, a.body)
	}
	if got := read[post](s, a); !fresh(got) {
		return fmt.Errorf("%s: stale: %s", r, a.body)
	}
	return nil
}
