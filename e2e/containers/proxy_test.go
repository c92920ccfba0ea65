//go:build containers

package containers

import (
	"net/http"
	"testing"
)

// deadProxy is what a machine has in its environment whose proxy is down.
const deadProxy = "http://127.0.0.1:9"

// A proxy leads to the outside. With one that is down every container becomes healthy,
// and the services reach each other.
func TestDeadProxy(t *testing.T) {
	s := newStack(t, "e2e/containers/testdata/proxy.yml")
	s.up()
	for _, part := range parts() {
		if got := docker(t, "exec", s.name(part), "sh", "-c", "echo $HTTP_PROXY $http_proxy"); got != deadProxy+" "+deadProxy {
			t.Errorf("%s has the proxies %q", part, got)
		}
	}
	api := s.url("frontend") + "/api"
	post := decode[made](t, s.must(http.StatusCreated, "POST", api+"/posts/posts", `{"title":"Behind a proxy"}`))
	comment := decode[made](t, s.must(http.StatusCreated, "POST", api+"/comments/posts/"+post.ID+"/comments", `{"content":"fine"}`))
	s.becomes(post.ID, comment.ID, "approved")
	s.must(http.StatusOK, "GET", api+"/query/posts/"+post.ID, "")
}
