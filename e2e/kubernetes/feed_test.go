//go:build kubernetes

package kubernetes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// One feed, from the first apply to the last delete. Its parts build on each other.
func TestFeed(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			for _, kind := range []string{"pods", "events"} {
				out, _ := try("kubectl", "-n", namespace, "get", kind, "--sort-by=.metadata.creationTimestamp")
				t.Log(out)
			}
		}
		_, _ = try("kubectl", "delete", "namespace", namespace, "--ignore-not-found")
	})
	begin := time.Now()
	apply(t)
	t.Logf("up in %s", time.Since(begin).Round(time.Second))
	l := newLoad(t)
	for _, step := range []struct {
		name string
		do   func(*testing.T, *load)
	}{
		{"journey", journey},
		{"restricted", restricted},
		{"each file alone", filesAlone},
		{"autoscalers read metrics", autoscalers},
		{"rollout restart", rollouts},
		{"each pod deleted", podsDeleted},
		{"Redis deleted", redisDeleted},
		{"three and back", threeAndBack},
		{"verified", verified},
		{"deleted", deleted},
	} {
		if !t.Run(step.name, func(t *testing.T) { l.t = t; step.do(t, l) }) {
			break
		}
	}
}

// journey is a post and two comments, by the services' NodePorts and by the front end.
func journey(t *testing.T, l *load) {
	for _, way := range []struct{ name, posts, comments, query string }{
		{"NodePorts", url("posts", ""), url("comments", ""), url("query", "")},
		{"front end", url("frontend", "/api/posts"), url("frontend", "/api/comments"), url("frontend", "/api/query")},
	} {
		type made struct{ ID, Status string }
		post := func(to, body string) (m made) {
			status, text, err := ask(l.client, "POST", to, body)
			if err != nil || status != http.StatusCreated || json.Unmarshal([]byte(text), &m) != nil {
				t.Fatalf("%s: %s: %d %s %v", way.name, to, status, text, err)
			}
			return m
		}
		p := post(way.posts+"/posts", `{"title":"Journey"}`)
		want := map[string]string{
			post(way.comments+"/posts/"+p.ID+"/comments", `{"content":"nice"}`).ID:        "approved",
			post(way.comments+"/posts/"+p.ID+"/comments", `{"content":"pure racism"}`).ID: "rejected",
		}
		bustest.Settles(t, 30*time.Second, "the comments are judged, by way of "+way.name, func() string {
			_, text, err := ask(l.client, "GET", way.query+"/posts/"+p.ID, "")
			var seen struct {
				Title    string
				Comments []made
			}
			if err != nil || json.Unmarshal([]byte(text), &seen) != nil || seen.Title != "Journey" || len(seen.Comments) != 2 {
				return fmt.Sprint(text, err)
			}
			for _, c := range seen.Comments {
				if c.Status != want[c.ID] {
					return text
				}
			}
			return ""
		})
	}
	if status, text, err := ask(l.client, "GET", url("frontend", "/"), ""); err != nil || status != http.StatusOK || !strings.Contains(text, "<div id=") {
		t.Errorf("the page: %d %v %.200s", status, err, text)
	}
}

// restricted: these pods are admitted, and one that asks for more is not.
func restricted(t *testing.T, _ *load) {
	if got := kubectl(t, "get", "namespace", namespace, "-o", `jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}`); got != "restricted" {
		t.Errorf("the namespace enforces %q", got)
	}
	out, err := try("kubectl", "-n", namespace, "run", "root", "--image=newsfeed/posts:dev", "--dry-run=server")
	if err == nil || !strings.Contains(out, `violates PodSecurity "restricted`) {
		t.Errorf("a pod that asks for nothing special is admitted: %s", out)
	}
	for _, dir := range []string{overlay, "infra/k8s/overlays/production"} {
		out, err := try("sh", "-c", "kubectl apply --dry-run=server -k "+dir+" 2>&1")
		if err != nil || strings.Contains(out, "would violate") || !strings.Contains(out, "ingress.networking.k8s.io/newsfeed") {
			t.Errorf("%s: %v\n%s", dir, err, out)
		}
	}
}

func filesAlone(t *testing.T, _ *load) {
	files, err := filepath.Glob(filepath.Join(root, "infra/k8s/base/*.yaml"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if filepath.Base(file) != "kustomization.yaml" {
			kubectl(t, "apply", "--dry-run=server", "-f", strings.TrimPrefix(file, root+"/"))
		}
	}
}

func autoscalers(t *testing.T, _ *load) {
	for _, part := range []string{"posts", "comments", "query", "frontend"} {
		bustest.Settles(t, 3*time.Minute, "the autoscaler of "+part+" knows its CPU", func() string {
			got := kubectl(t, "get", "hpa", part, "-o",
				`jsonpath={.status.currentMetrics[0].resource.current.averageUtilization} {.status.conditions[?(@.type=="ScalingActive")].status}`)
			var percent int
			if n, _ := fmt.Sscanf(got, "%d True", &percent); n != 1 {
				return got
			}
			t.Logf("%s: %d %% of the CPU it requests", part, percent)
			return ""
		})
	}
}

func rollouts(t *testing.T, l *load) {
	for _, part := range parts() {
		l.during(func() {
			kubectl(t, "rollout", "restart", "deployment/"+part+"-depl")
			settled(t)
		})
		l.noneFailed("rollout restart of " + part)
	}
	l.during(func() {
		for _, part := range parts() {
			kubectl(t, "rollout", "restart", "deployment/"+part+"-depl")
		}
		settled(t)
	})
	l.noneFailed("rollout restart of all at once")
	l.noneLost()
	noLeak(t)
}

func podsDeleted(t *testing.T, l *load) {
	l.during(func() {
		for _, part := range parts() {
			names, _ := pods(t, part)
			for _, name := range names {
				kubectl(t, "delete", "pod", name, "--wait=false")
				settled(t)
			}
		}
	})
	l.noneFailed("each pod deleted in turn")
	l.noneLost()
	noLeak(t)
}

// redisDeleted: what was answered is on the volume, and everyone finds Redis again.
func redisDeleted(t *testing.T, l *load) {
	before := kubectl(t, "get", "pod", "redis-0", "-o", "jsonpath={.metadata.uid}")
	l.during(func() {
		kubectl(t, "delete", "pod", "redis-0")
		settled(t)
	})
	if after := kubectl(t, "get", "pod", "redis-0", "-o", "jsonpath={.metadata.uid}"); after == before {
		t.Error("redis-0 is the same pod as before")
	}
	l.mu.Lock()
	t.Logf("meanwhile %d of %d requests failed", len(l.failed), l.sent.Swap(0))
	l.failed = nil
	l.mu.Unlock()
	l.noneLost()
	l.during(func() { time.Sleep(5 * time.Second) })
	l.noneFailed("after Redis is back")
	noLeak(t)
}

func threeAndBack(t *testing.T, l *load) {
	scaled := []string{"comments", "query"}
	set := func(n int) {
		for _, part := range scaled {
			kubectl(t, "patch", "hpa", part, "-p",
				fmt.Sprintf(`{"spec":{"minReplicas":%d,"behavior":{"scaleDown":{"stabilizationWindowSeconds":0}}}}`, n))
		}
	}
	l.during(func() {
		set(3)
		for _, part := range scaled {
			bustest.Settles(t, 2*time.Minute, "three of "+part, func() string {
				if all, ready := pods(t, part); ready != 3 {
					return fmt.Sprint(all, ready)
				}
				return ""
			})
			names, _ := pods(t, part)
			slices.Sort(names)
			bustest.Settles(t, time.Minute, "the three share the work of "+part, func() string {
				if got := consumers(t)[part+" on {posts}:events"]; !slices.Equal(got, names) {
					return fmt.Sprintf("consumers %q, pods %q", got, names)
				}
				return ""
			})
		}
		set(2)
		settled(t)
	})
	l.noneFailed("comments and query scaled to three and back")
	l.noneLost()
	noLeak(t)
}

// deleted: nothing is left, of any kind, once the overlay and the claim are gone.
func deleted(t *testing.T, _ *load) {
	volume := kubectl(t, "get", "pvc", "data-redis-0", "-o", "jsonpath={.spec.volumeName}")
	kubectl(t, "delete", "-k", overlay, "--timeout=3m")
	for _, kind := range strings.Fields(kubectl(t, "api-resources", "--verbs=list", "-o", "name")) {
		if kind == "events" || kind == "events.events.k8s.io" {
			continue // the cluster's diary
		}
		for _, which := range [][]string{{"-n", namespace}, {"-A", "-l", "app.kubernetes.io/part-of=newsfeed"}} {
			out, err := try("kubectl", append([]string{"get", kind, "--ignore-not-found", "-o", "name"}, which...)...)
			if err == nil && out != "" && !clusterWide(t, kind, which) {
				t.Errorf("%s %v: left: %s", kind, which, out)
			}
		}
	}
	if out, err := try("kubectl", "get", "namespace", namespace); err == nil {
		t.Errorf("the namespace is left: %s", out)
	}
	// What becomes of the volume itself is for the cluster's storage class to decide.
	if phase, err := try("kubectl", "get", "pv", volume, "-o", "jsonpath={.status.phase}"); err == nil && phase == "Bound" {
		t.Errorf("the volume %s is still bound", volume)
	}
}

// clusterWide reports whether the kind has no namespaces, so that -n says nothing.
func clusterWide(t *testing.T, kind string, which []string) bool {
	t.Helper()
	return which[0] == "-n" && !slices.Contains(strings.Fields(kubectl(t, "api-resources", "--namespaced=true", "--verbs=list", "-o", "name")), kind)
}
