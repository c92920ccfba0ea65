package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// elsewhere are the secrets that whoever runs the production overlay makes.
var elsewhere = []string{"posts-secret", "comments-secret", "moderator-secret", "query-secret", "eventbus-secret"}

func overlays(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../overlays/*")
	if err != nil || len(found) < 2 {
		t.Fatalf("overlays %q, %v", found, err)
	}
	return append(found, "../base")
}

func build(t *testing.T, dir string) []byte {
	t.Helper()
	text, err := Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decode(t *testing.T, dir string) *Set {
	t.Helper()
	set, err := Decode(build(t, dir))
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return set
}

func local(t *testing.T) *Set { return decode(t, "../overlays/local") }

// breaches are what all rules find.
func breaches(t *testing.T, s *Set, secrets ...string) []string {
	t.Helper()
	found, err := Pods(s)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(found, Rollouts(s), References(s, secrets...))
}

func TestOverlays(t *testing.T) {
	for _, dir := range overlays(t) {
		s := decode(t, dir)
		var secrets []string
		if len(s.Secrets) == 0 {
			secrets = append(elsewhere, "redis-secret")
		}
		for _, b := range breaches(t, s, secrets...) {
			t.Errorf("%s: %s", dir, b)
		}
		if got := s.Namespaces[0].Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
			t.Errorf("%s: the namespace enforces %q, want restricted", dir, got)
		}
	}
}

// kubectl, where there is one, makes the same of the folders.
func TestKubectlAgrees(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("there is no kubectl here to compare with")
	}
	for _, dir := range overlays(t) {
		want, err := exec.CommandContext(t.Context(), kubectl, "kustomize", dir).Output()
		if err != nil {
			t.Errorf("kubectl kustomize %s: %v", dir, err)
			continue
		}
		if diff := cmp.Diff(documents(t, want), documents(t, build(t, dir))); diff != "" {
			t.Errorf("%s (-kubectl +library):\n%s", dir, diff)
		}
	}
}

func documents(t *testing.T, text []byte) []any {
	t.Helper()
	var all []any
	for doc := range strings.SplitSeq(string(text), "\n---\n") {
		var v any
		if err := yaml.Unmarshal([]byte(doc), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// Each file of base can be applied alone, and every one is, but for the lesson's.
func TestFilesAlone(t *testing.T) {
	files, err := filepath.Glob("../base/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Resources []string }
	text, err := os.ReadFile("../base/kustomization.yaml")
	if err != nil || yaml.Unmarshal(text, &list) != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Decode(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if applied := slices.Contains(list.Resources, name); applied == (name == "posts-pod.yaml") {
			t.Errorf("%s is in the kustomization: %t", name, applied)
		}
		if name == "posts-pod.yaml" {
			found, err := Pods(s)
			if err != nil || len(found) > 0 || len(s.Pods) != 1 {
				t.Errorf("%s: %d pods, %q, %v", name, len(s.Pods), found, err)
			}
		}
	}
}

// The ports are those of the table in the README, and what the image says.
func TestPorts(t *testing.T) {
	got := map[string][3]int32{}
	for _, s := range local(t).Services {
		p := s.Spec.Ports[0]
		got[s.Name] = [3]int32{p.Port, int32(p.TargetPort.IntValue()), p.NodePort}
		if node := strings.HasSuffix(s.Name, "-srv") && !strings.HasSuffix(s.Name, "-clusterip-srv"); node != (s.Spec.Type == corev1.ServiceTypeNodePort) {
			t.Errorf("Service %s is of type %q", s.Name, s.Spec.Type)
		}
	}
	want := map[string][3]int32{"redis-clusterip-srv": {6379, 6379, 0}}
	for name, port := range map[string]int32{"frontend": 3000, "posts": 5001, "comments": 5002, "moderator": 5003, "query": 5004, "eventbus": 5005} {
		node := 30000 + port - 5000
		if name == "frontend" {
			node = 30000
		}
		want[name+"-srv"] = [3]int32{port, port, node}
		want[name+"-clusterip-srv"] = [3]int32{port, port, 0}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("port, targetPort and nodePort (-want +got):\n%s", diff)
	}
}

func TestProduction(t *testing.T) {
	s := decode(t, "../overlays/production")
	if n := len(s.StatefulSets) + len(s.Secrets); n > 0 {
		t.Errorf("%d StatefulSets and Secrets: Redis and secrets are somebody else's", n)
	}
	for _, srv := range s.Services {
		if srv.Spec.Type == corev1.ServiceTypeNodePort || srv.Spec.Selector["app"] == "redis" {
			t.Errorf("Service %s is there", srv.Name)
		}
	}
	for _, d := range s.Deployments {
		keys := []string{}
		for _, c := range d.Spec.Template.Spec.TopologySpreadConstraints {
			if !matches(c.LabelSelector, d.Spec.Template.Labels) || !slices.Contains(c.MatchLabelKeys, "app") {
				t.Errorf("%s is spread with %v", d.Name, c)
			}
			keys = append(keys, c.TopologyKey)
		}
		if want := []string{"kubernetes.io/hostname", "topology.kubernetes.io/zone"}; !slices.Equal(keys, want) {
			t.Errorf("%s is spread over %q, want %q", d.Name, keys, want)
		}
		if !strings.HasPrefix(d.Spec.Template.Spec.Containers[0].Image, "registry.example.com/newsfeed/") {
			t.Errorf("%s has the image %s", d.Name, d.Spec.Template.Spec.Containers[0].Image)
		}
	}
	if in := s.Ingresses[0]; len(in.Spec.TLS) != 1 || in.Spec.TLS[0].Hosts[0] != in.Spec.Rules[0].Host || in.Spec.Rules[0].Host == "" {
		t.Errorf("the ingress has no TLS for its host: %+v", in.Spec)
	}
}

// Secrets stand in the overlay for development, which says so, and nowhere else.
func TestSecretsAreForDevelopment(t *testing.T) {
	for _, s := range local(t).Secrets {
		for key, value := range s.Data {
			if !strings.Contains(string(value), "development") {
				t.Errorf("%s %s holds something else than development", s.Name, key)
			}
		}
	}
	text, err := os.ReadFile("../overlays/local/kustomization.yaml")
	if err != nil || !strings.Contains(string(text), "for development") {
		t.Errorf("overlays/local does not say what its secrets are: %v", err)
	}
	if s := decode(t, "../base"); len(s.Secrets) > 0 {
		t.Errorf("base has secrets")
	}
}
