package check

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
)

// network is every part, as its own pods are labelled, and who else there may be.
func network(s *Set) (peers []Peer, ports map[string]int) {
	ports = map[string]int{
		"frontend": 3000, "posts": 5001, "comments": 5002, "moderator": 5003, "query": 5004, "eventbus": 5005,
		"redis": 6379, "stranger": 8080, "external-redis": 6379, "dns": 53, "internet": 443,
	}
	for _, w := range s.Workloads() {
		peers = append(peers, Peer{Name: w.Pod.Labels["app"], Labels: w.Pod.Labels})
	}
	in := func(namespace string, labels ...string) map[string]string {
		all := map[string]string{"kubernetes.io/metadata.name": namespace}
		for _, l := range labels {
			all[l] = "allowed"
		}
		return all
	}
	return append(peers,
		Peer{Name: "stranger", Labels: map[string]string{"app": "stranger"}},
		Peer{Name: "dns", Labels: map[string]string{"k8s-app": "kube-dns"}, Namespace: in("kube-system")},
		Peer{Name: "ingress", Labels: map[string]string{}, Namespace: in("ingress", "newsfeed/ingress")},
		Peer{Name: "prometheus", Labels: map[string]string{}, Namespace: in("monitoring", "newsfeed/metrics")},
		Peer{Name: "neighbour", Labels: map[string]string{"app": "frontend"}, Namespace: in("other")},
		Peer{Name: "external-redis", Outside: true},
		Peer{Name: "internet", Outside: true},
	), ports
}

// These are all the edges that there are; what is not here, no pod can do.
func TestEdges(t *testing.T) {
	fromEveryone := func(targets ...string) []string {
		var all []string
		for _, from := range []string{"dns", "external-redis", "ingress", "internet", "neighbour", "prometheus"} {
			for _, to := range targets {
				all = append(all, from+" → "+to)
			}
		}
		return all
	}
	inside := []string{
		"frontend → posts:5001", "frontend → comments:5002", "frontend → moderator:5003", "frontend → query:5004", "frontend → eventbus:5005",
	}
	services := []string{"posts:5001", "comments:5002", "moderator:5003", "query:5004", "eventbus:5005"}
	var withRedis, withOutside, metrics []string
	for _, s := range []string{"posts", "comments", "moderator", "query", "eventbus"} {
		withRedis = append(withRedis, s+" → redis:6379")
		withOutside = append(withOutside, s+" → external-redis:6379")
	}
	for _, s := range append(services, "frontend:3000") {
		metrics = append(metrics, "prometheus → "+s)
	}
	for overlay, want := range map[string][]string{
		"base":                slices.Concat(inside, withRedis, metrics, []string{"ingress → frontend:3000"}),
		"overlays/local":      slices.Concat(inside, withRedis, fromEveryone(append(services, "frontend:3000")...)),
		"overlays/production": slices.Concat(inside, withOutside, metrics, []string{"ingress → frontend:3000"}),
	} {
		s := decode(t, "../"+overlay)
		peers, ports := network(s)
		for _, p := range peers {
			if p.Namespace == nil && !p.Outside {
				want = append(want, p.Name+" → dns:53")
			}
		}
		got := slices.DeleteFunc(Edges(s, peers, ports), foreign)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", overlay, diff)
		}
	}
}

// foreign is what is between two who both are not the newsfeed's.
func foreign(edge string) bool {
	return slices.ContainsFunc([]string{"dns", "ingress", "prometheus", "neighbour", "external-redis", "internet"}, func(from string) bool {
		return slices.ContainsFunc([]string{"dns:53", "external-redis:6379", "internet:443"}, func(to string) bool { return edge == from+" → "+to })
	})
}

// Each policy matters: without it, the edges are others.
func TestEveryPolicyMatters(t *testing.T) {
	for _, overlay := range []string{"base", "overlays/local", "overlays/production"} {
		s := decode(t, "../"+overlay)
		peers, ports := network(s)
		all := Edges(s, peers, ports)
		policies := s.Policies
		for i, p := range policies {
			s.Policies = slices.Concat(policies[:i:i], policies[i+1:])
			if slices.Equal(all, Edges(s, peers, ports)) && !covered(overlay, p) {
				t.Errorf("%s: nothing changes without %s", overlay, p.Name)
			}
		}
		s.Policies = policies
	}
}

// covered are those that the open ports of the local overlay make needless there.
func covered(overlay string, p *networkingv1.NetworkPolicy) bool {
	return overlay == "overlays/local" && len(p.Spec.Ingress) > 0 && p.Name != "services-to-redis"
}
