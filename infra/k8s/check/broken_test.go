package check

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// What is not in the types of k8s.io/api is no manifest.
func TestStrict(t *testing.T) {
	const head = "apiVersion: v1\nkind: Service\nmetadata:\n  name: posts-srv\nspec:\n"
	for _, tt := range []struct{ name, doc, want string }{
		{"right", head + "  type: NodePort\n", ""},
		{"an unknown field", head + "  tpye: NodePort\n", `unknown field "spec.tpye"`},
		{"a field of another kind", head + "  replicas: 2\n", `unknown field "spec.replicas"`},
		{"deeper", head + "  ports:\n    - port: 1\n      target: 2\n", `unknown field "spec.ports[0].target"`},
		{"in the wrong case", head + "  Type: NodePort\n", `unknown field "spec.Type"`},
		{"twice", head + "  type: NodePort\n  type: ClusterIP\n", "already set"},
		{"of another type", head + "  selector: posts\n", "cannot unmarshal string"},
		{"no such kind", "apiVersion: v1\nkind: Servcie\nmetadata:\n  name: x\n", "no kind"},
		{"no such version", "apiVersion: apps/v2\nkind: Deployment\nmetadata:\n  name: x\n", "no kind"},
		{"the second document", head + "---\n" + head + "  x: 1\n", "document 2"},
		{"a kind without rules", "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: x\n", "no rule knows"},
	} {
		_, err := Decode([]byte(tt.doc))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Every rule is broken once, in a set that is right otherwise, and must say so.
func TestEachRuleFindsItsBreach(t *testing.T) {
	type spec = corev1.PodSpec
	pod := func(change func(*spec)) func(*Set) {
		return func(s *Set) { change(&s.deployment("posts-depl").Spec.Template.Spec) }
	}
	container := func(change func(*corev1.Container)) func(*Set) {
		return pod(func(p *spec) { change(&p.Containers[0]) })
	}
	deployment := func(name string, change func(*appsv1.Deployment)) func(*Set) {
		return func(s *Set) { change(s.deployment(name)) }
	}
	for _, tt := range []struct {
		name, want string
		change     func(*Set)
	}{
		{"root", `runAsUser=0`, pod(func(p *spec) { p.SecurityContext.RunAsUser = new(int64(0)) })},
		{"root in Redis", `StatefulSet redis: not admitted under "restricted"`, func(s *Set) { s.StatefulSets[0].Spec.Template.Spec.SecurityContext.RunAsNonRoot = nil }},
		{"maybe root", `runAsNonRoot != true`, pod(func(p *spec) { p.SecurityContext.RunAsNonRoot = nil })},
		{"a user that the image chooses", `does not say which user`, pod(func(p *spec) { p.SecurityContext.RunAsUser = nil })},
		{"no seccomp profile", `seccompProfile`, pod(func(p *spec) { p.SecurityContext.SeccompProfile = nil })},
		{"privileged", `privileged`, container(func(c *corev1.Container) { c.SecurityContext.Privileged = new(true) })},
		{"may gain rights", `allowPrivilegeEscalation`, container(func(c *corev1.Container) { c.SecurityContext.AllowPrivilegeEscalation = nil })},
		{"keeps capabilities", `unrestricted capabilities`, container(func(c *corev1.Container) { c.SecurityContext.Capabilities = nil })},
		{"the node's files", `hostPath`, pod(func(p *spec) {
			p.Volumes = []corev1.Volume{{Name: "x", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
		})},
		{"can write", `can write to its image's file system`, container(func(c *corev1.Container) { c.SecurityContext.ReadOnlyRootFilesystem = nil })},
		{"a token", `a token of its service account is mounted`, pod(func(p *spec) { p.AutomountServiceAccountToken = nil })},
		{"an account's token", `ServiceAccount posts: its token is mounted`, func(s *Set) { named(s.Accounts, "posts").AutomountServiceAccountToken = nil }},
		{"everyone's account", `has no service account of its own`, pod(func(p *spec) { p.ServiceAccountName = "" })},
		{"service links", `gets variables such as POSTS_PORT`, pod(func(p *spec) { p.EnableServiceLinks = nil })},
		{"latest", `needs a tag that is not latest`, container(func(c *corev1.Container) { c.Image = "newsfeed/posts:latest" })},
		{"no tag", `needs a tag that is not latest`, container(func(c *corev1.Container) { c.Image = "registry:5000/newsfeed/posts" })},
		{"no memory limit", `has no limit of memory`, container(func(c *corev1.Container) { delete(c.Resources.Limits, corev1.ResourceMemory) })},
		{"no CPU limit", `has no limit of cpu`, container(func(c *corev1.Container) { delete(c.Resources.Limits, corev1.ResourceCPU) })},
		{"no CPU request", `does not request cpu`, container(func(c *corev1.Container) { delete(c.Resources.Requests, corev1.ResourceCPU) })},
		{"no memory request", `does not request memory`, container(func(c *corev1.Container) { delete(c.Resources.Requests, corev1.ResourceMemory) })},
		{"requests more than it may have", `requests more memory than its limit`, container(func(c *corev1.Container) {
			c.Resources.Requests[corev1.ResourceMemory] = resource.MustParse("1Gi")
		})},
		{"no startup probe", `has no startup probe`, container(func(c *corev1.Container) { c.StartupProbe = nil })},
		{"no liveness probe", `has no liveness probe`, container(func(c *corev1.Container) { c.LivenessProbe = nil })},
		{"no readiness probe", `has no readiness probe`, container(func(c *corev1.Container) { c.ReadinessProbe = nil })},
		{"lives by what it depends on", `is killed for what it only depends on`, container(func(c *corev1.Container) { c.LivenessProbe.HTTPGet.Path = "/readyz" })},
		{"no preStop", `has no preStop`, container(func(c *corev1.Container) { c.Lifecycle = nil })},
		{"killed too soon", `is killed after 15 s and may need 17s`, pod(func(p *spec) { p.TerminationGracePeriodSeconds = new(int64(15)) })},
		{"a longer drain", `is killed after 20 s and may need 39s`, func(s *Set) { s.Configs[0].Data["DRAIN_TIMEOUT"] = "30s" }},
		{"more listeners than it has memory for", `Deployment query-depl: lets in 2000 live streams`, func(s *Set) { s.Configs[0].Data["STREAMS_TOTAL"] = "2000" }},
		{"as many listeners as by default", `Deployment comments-depl: lets in 2000 live streams`, func(s *Set) { delete(s.Configs[0].Data, "STREAMS_TOTAL") }},
		{"does not say how long", `does not say how long it may take to stop`, pod(func(p *spec) { p.TerminationGracePeriodSeconds = nil })},
		{"takes pods away first", `maxUnavailable is not 0`, deployment("posts-depl", func(d *appsv1.Deployment) {
			d.Spec.Strategy.RollingUpdate.MaxUnavailable = new(intstr.FromInt32(1))
		})},
		{"all at once", `maxUnavailable is not 0`, deployment("posts-depl", func(d *appsv1.Deployment) {
			d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
		})},
		{"one replica", `has one replica`, deployment("moderator-depl", func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(1)) })},
		{"two who decide", `says how many replicas, as does its autoscaler`, deployment("posts-depl", func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(2)) })},
		{"an autoscaler down to one", `its autoscaler may leave one replica`, func(s *Set) { s.scalerOf("posts-depl").Spec.MinReplicas = new(int32(1)) }},
		{"an autoscaler of nothing", `there is no Deployment posts`, func(s *Set) { s.scalerOf("posts-depl").Spec.ScaleTargetRef.Name = "posts" }},
		{"an autoscaler that cannot", `can scale nothing`, func(s *Set) { s.scalerOf("posts-depl").Spec.MaxReplicas = 2 }},
		{"no budget", `has 0 PodDisruptionBudgets`, func(s *Set) { s.Budgets = without(s.Budgets, "posts") }},
		{"a budget that holds the node", `never lets a node be emptied`, func(s *Set) {
			named(s.Budgets, "posts").Spec.MaxUnavailable = new(intstr.FromInt32(0))
		}},
		{"the course's mistake", `Service posts-srv: its selector map[app:post] matches the labels of 0 workloads`, func(s *Set) {
			named(s.Services, "posts-srv").Spec.Selector = map[string]string{"app": "post"}
		}},
		{"no selector", `Service posts-srv: its selector map[] matches`, func(s *Set) { named(s.Services, "posts-srv").Spec.Selector = nil }},
		{"a port that nobody listens on", `targetPort 5002 is no port of Deployment posts-depl`, func(s *Set) {
			named(s.Services, "posts-srv").Spec.Ports[0].TargetPort = intstr.FromInt32(5002)
		}},
		{"no such config", `there is no ConfigMap newsfeed-confg`, container(func(c *corev1.Container) { c.EnvFrom[0].ConfigMapRef.Name = "newsfeed-confg" })},
		{"no such secret", `there is no Secret posts-secret`, func(s *Set) { s.Secrets = without(s.Secrets, "posts-secret") }},
		{"no such account", `there is no ServiceAccount posts`, func(s *Set) { s.Accounts = without(s.Accounts, "posts") }},
		{"an ingress to nowhere", `there is no Service frontend with a port http`, func(s *Set) {
			s.Ingresses[0].Spec.Rules[0].HTTP = &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "frontend", Port: networkingv1.ServiceBackendPort{Name: "http"}}},
			}}}
		}},
	} {
		s := local(t)
		tt.change(s)
		found := breaches(t, s)
		if !slices.ContainsFunc(found, func(b string) bool { return strings.Contains(b, tt.want) }) {
			t.Errorf("%s: found %q, want %q", tt.name, found, tt.want)
		}
	}
}

type object interface{ GetName() string }

func named[T object](all []T, name string) T {
	return all[slices.IndexFunc(all, func(o T) bool { return o.GetName() == name })]
}

func without[T object](all []T, name string) []T {
	return slices.DeleteFunc(all, func(o T) bool { return o.GetName() == name })
}
