package main

import (
	"context"
	"strings"
	"sync"
	"testing"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// A feed that has just begun, and has nothing to read yet, is well: also after
// everything was stopped and started again.
func TestFreshFeedIsWell(t *testing.T) {
	r := bustest.Start(t)
	b := newTestBus(t, r)
	for _, when := range []string{"on an empty Redis", "after a clean restart"} {
		t.Run(when, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			services, err := prepareAll(allServices(), map[string]string{"LOG_LEVEL": "error"}, r.URL(), upOptions{portOffset: freeOffset(t)})
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			t.Cleanup(func() {
				stop()
				wg.Wait()
			})
			for _, s := range services {
				wg.Go(func() {
					if err := s.run(ctx, quietLog()); err != nil {
						t.Errorf("%s: %v", s.name, err)
					}
				})
			}
			if err := waitReady(ctx, services); err != nil {
				t.Fatal(err)
			}
			c := newConsole(t, r)
			if out, code := c.run("doctor"); code != 0 {
				t.Errorf("exit code %d as soon as all is ready:\n%s", code, out)
			}
			if out, _ := c.run("lag"); strings.Contains(out, "nobody reads") || strings.Contains(out, "0 of 0") {
				t.Errorf("lag says:\n%s", out)
			}
			publish(t, b, post(t, "something to read, and on one stream only"))
			bustest.Eventually(t, tailPatience, "query has it", func() bool {
				last, err := b.Last(context.Background(), postsStream)
				if err != nil {
					return false
				}
				ok, err := b.Passed(context.Background(), postsStream, event.Query, last)
				return err == nil && ok
			})
		})
	}
}

// freeOffset is one at which every port of up is free, and Redis's as well.
func freeOffset(t *testing.T) int {
	t.Helper()
	for offset := 20_000; offset < 30_000; offset += 37 {
		services := allServices()
		for i := range services {
			services[i].port += offset
		}
		if checkPorts(t.Context(), services) == nil {
			return offset
		}
	}
	t.Fatal("no ports are free")
	return 0
}
