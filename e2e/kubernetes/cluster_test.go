//go:build kubernetes

package kubernetes

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// kubectl runs a command that has to work, in the newsfeed's namespace.
func kubectl(t testing.TB, args ...string) string {
	t.Helper()
	out, err := try("kubectl", append([]string{"-n", namespace}, args...)...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// nodePorts are where the parts are from outside the cluster.
func nodePorts() map[string]int {
	return map[string]int{"frontend": 30000, "posts": 30001, "comments": 30002, "moderator": 30003, "query": 30004, "eventbus": 30005}
}

func parts() []string {
	return []string{"posts", "comments", "moderator", "query", "eventbus", "frontend"}
}

func url(part, path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", nodePorts()[part], path)
}

// apply brings everything up and waits until it is.
func apply(t testing.TB) {
	t.Helper()
	kubectl(t, "apply", "-k", overlay)
	settled(t)
}

// settled waits until every Deployment is what it shall be, autoscalers included,
// and no pod is on its way out.
func settled(t testing.TB) {
	t.Helper()
	kubectl(t, "rollout", "status", "statefulset/redis", "--timeout=3m")
	for _, part := range parts() {
		kubectl(t, "rollout", "status", "deployment/"+part+"-depl", "--timeout=3m")
	}
	bustest.Settles(t, 3*time.Minute, "two ready pods of each part, and no other", func() string {
		left := ""
		for _, part := range parts() {
			if all, ready := pods(t, part); len(all) != 2 || ready != 2 {
				left += fmt.Sprintf("%s %v, %d ready; ", part, all, ready)
			}
		}
		return left
	})
}

// pods returns the names of a part's pods, and how many are ready and stay.
func pods(t testing.TB, part string) (names []string, ready int) {
	t.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name, DeletionTimestamp string }
			Status   struct {
				Conditions []struct{ Type, Status string }
			}
		}
	}
	text := kubectl(t, "get", "pods", "-l", "app="+part, "-o", "json")
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	for _, p := range list.Items {
		names = append(names, p.Metadata.Name)
		for _, c := range p.Status.Conditions {
			if c.Type == "Ready" && c.Status == "True" && p.Metadata.DeletionTimestamp == "" {
				ready++
			}
		}
	}
	return names, ready
}

// operator is a redis-cli command of the operator's, answered in JSON.
func operator[T any](t testing.TB, args ...string) T {
	t.Helper()
	text := kubectl(t, append([]string{"exec", "redis-0", "--", "redis-cli", "--user", "operator", "--pass", "development",
		"--no-auth-warning", "--json"}, args...)...)
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %v: %s", args, err, text)
	}
	return v
}

// consumers returns the names in every group of every stream, redriven ones too:
// "comments on {posts}:events".
func consumers(t testing.TB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, part := range []string{"posts", "comments", "moderator", "eventbus", "query"} {
		for _, stream := range []string{"{" + part + "}:events", "{" + part + "}:redrive"} {
			if operator[int](t, "EXISTS", stream) == 0 {
				continue
			}
			for _, g := range operator[[]struct{ Name string }](t, "XINFO", "GROUPS", stream) {
				names := []string{}
				for _, c := range operator[[]struct{ Name string }](t, "XINFO", "CONSUMERS", stream, g.Name) {
					names = append(names, c.Name)
				}
				slices.Sort(names)
				all[g.Name+" on "+stream] = names
			}
		}
	}
	return all
}

// noLeak waits until no group knows a consumer that is no pod.
func noLeak(t testing.TB) {
	t.Helper()
	bustest.Settles(t, 30*time.Second, "no consumer but those of pods", func() string {
		left := ""
		for group, names := range consumers(t) {
			part, _, _ := strings.Cut(group, " ")
			present, _ := pods(t, part)
			for _, name := range names {
				if !slices.Contains(present, name) {
					left += fmt.Sprintf("%s has %s; ", group, name)
				}
			}
		}
		return left
	})
	for group, names := range consumers(t) {
		if strings.HasSuffix(group, ":events") {
			t.Logf("%s: %s", group, strings.Join(names, ", "))
		}
	}
}

// ask sends one request, as somebody who may everything: such writes are not limited.
func ask(client *http.Client, method, url, body string) (int, string, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer development")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}
