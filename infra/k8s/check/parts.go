package check

import (
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// leaving is what a service takes after its last request: handlers of events are
// cancelled, connections closed, its name taken out of the groups.
const leaving = 3 * time.Second

// Rollouts holds every Deployment against what it takes that an update, a drain of
// a node and a scaling lose no request.
func Rollouts(s *Set) []string {
	var f faults
	for _, d := range s.Deployments {
		w := Workload{"Deployment", &d.ObjectMeta, &d.Spec.Template}
		if r := d.Spec.Strategy.RollingUpdate; r == nil || r.MaxUnavailable == nil || r.MaxUnavailable.String() != "0" {
			f.add(w, "an update takes a pod away before there is another: maxUnavailable is not 0")
		}
		f.replicas(w, d, s.scalerOf(d.Name))
		f.grace(w, s)
		f.budget(w, s)
		f.listeners(w, s)
	}
	for _, h := range s.Scalers {
		target := h.Spec.ScaleTargetRef
		if target.Kind != "Deployment" || s.deployment(target.Name) == nil {
			f.add("HorizontalPodAutoscaler "+h.Name, "there is no %s %s", target.Kind, target.Name)
		}
		if h.Spec.MinReplicas == nil || h.Spec.MaxReplicas <= *h.Spec.MinReplicas {
			f.add("HorizontalPodAutoscaler "+h.Name, "can scale nothing")
		}
	}
	return f
}

func (f *faults) replicas(w Workload, d *appsv1.Deployment, scaler *autoscalingv2.HorizontalPodAutoscaler) {
	switch {
	case scaler == nil && (d.Spec.Replicas == nil || *d.Spec.Replicas < 2):
		f.add(w, "has one replica: with its node everything of it goes")
	case scaler != nil && d.Spec.Replicas != nil:
		f.add(w, "says how many replicas, as does its autoscaler: every apply would undo what that has decided")
	case scaler != nil && (scaler.Spec.MinReplicas == nil || *scaler.Spec.MinReplicas < 2):
		f.add(w, "its autoscaler may leave one replica")
	}
}

// grace checks that the time until SIGKILL is enough for all that happens before.
func (f *faults) grace(w Workload, s *Set) {
	spec := &w.Pod.Spec
	before := leaving
	for _, variable := range []string{"DRAIN_DELAY", "DRAIN_TIMEOUT"} {
		d, err := time.ParseDuration(s.variable(&spec.Containers[0], variable))
		if err != nil {
			f.add(w, "%s: %v", variable, err)
		}
		before += d
	}
	hook := spec.Containers[0].Lifecycle
	if hook == nil || hook.PreStop == nil || hook.PreStop.Sleep == nil || hook.PreStop.Sleep.Seconds < 1 {
		f.add(w, "has no preStop: it would be told to stop while nodes still send requests to it")
	} else {
		before += time.Duration(hook.PreStop.Sleep.Seconds) * time.Second
	}
	if grace := spec.TerminationGracePeriodSeconds; grace != nil && time.Duration(*grace)*time.Second < before {
		f.add(w, "is killed after %d s and may need %s to stop", *grace, before)
	}
}

// What holding live streams takes; docs/operations.md says how it was measured.
const (
	perStream    = 40 << 10 // bytes
	usualStreams = 2000     // where STREAMS_TOTAL says nothing
)

// streaming are the Deployments to which STREAMS_TOTAL applies.
var streaming = []string{"comments-depl", "query-depl"}

// listeners checks that as many live streams as a pod lets in take no more than half
// of the memory that it may have: the rest is for what they are about.
func (f *faults) listeners(w Workload, s *Set) {
	if !slices.Contains(streaming, w.Meta.Name) {
		return
	}
	c, total := &w.Pod.Spec.Containers[0], int64(usualStreams)
	if text := s.variable(c, "STREAMS_TOTAL"); text != "" {
		var err error
		if total, err = strconv.ParseInt(text, 10, 32); err != nil {
			f.add(w, "STREAMS_TOTAL: %v", err)
		}
	}
	if limit := c.Resources.Limits.Memory(); total*perStream > limit.Value()/2 {
		f.add(w, "lets in %d live streams, which take more than half of its %s", total, limit)
	}
}

func (f *faults) budget(w Workload, s *Set) {
	found := 0
	for _, b := range s.Budgets {
		if matches(b.Spec.Selector, w.Pod.Labels) {
			found++
			if b.Spec.MaxUnavailable == nil || b.Spec.MaxUnavailable.IntValue() < 1 {
				f.add(w, "its PodDisruptionBudget never lets a node be emptied")
			}
		}
	}
	if found != 1 {
		f.add(w, "has %d PodDisruptionBudgets", found)
	}
}

// References checks that everything that is named by another is there. elsewhere
// are the secrets that are made by hand.
func References(s *Set, elsewhere ...string) []string {
	var f faults
	names := s.names(elsewhere)
	for _, w := range s.Workloads() {
		if w.Kind != "Pod" && !names["ServiceAccount "+w.Pod.Spec.ServiceAccountName] {
			f.add(w, "there is no ServiceAccount %s", w.Pod.Spec.ServiceAccountName)
		}
		for _, c := range w.Pod.Spec.Containers {
			for _, from := range c.EnvFrom {
				if ref := from.ConfigMapRef; ref != nil && !names["ConfigMap "+ref.Name] {
					f.add(w, "there is no ConfigMap %s", ref.Name)
				}
				if ref := from.SecretRef; ref != nil && !names["Secret "+ref.Name] {
					f.add(w, "there is no Secret %s", ref.Name)
				}
			}
		}
	}
	for _, a := range s.Accounts {
		if a.AutomountServiceAccountToken == nil || *a.AutomountServiceAccountToken {
			f.add("ServiceAccount "+a.Name, "its token is mounted where nobody says otherwise")
		}
	}
	for _, srv := range s.Services {
		f.service(srv, s)
	}
	for _, in := range s.Ingresses {
		for _, rule := range in.Spec.Rules {
			for _, p := range rule.HTTP.Paths {
				if !names["Service "+p.Backend.Service.Name+" "+p.Backend.Service.Port.Name] {
					f.add("Ingress "+in.Name, "there is no Service %s with a port %s", p.Backend.Service.Name, p.Backend.Service.Port.Name)
				}
			}
		}
	}
	return f
}

// service finds what the course's own file gets wrong: a selector that no pod's
// labels match, behind which nobody answers and which nothing complains about.
func (f *faults) service(srv *corev1.Service, s *Set) {
	found := 0
	for _, w := range s.Workloads() {
		if len(srv.Spec.Selector) == 0 || !labels.SelectorFromSet(srv.Spec.Selector).Matches(labels.Set(w.Pod.Labels)) {
			continue
		}
		found++
		for _, port := range srv.Spec.Ports {
			if !listens(w.Pod, port.TargetPort.IntValue()) {
				f.add("Service "+srv.Name, "targetPort %s is no port of %s", port.TargetPort.String(), w)
			}
		}
	}
	if found != 1 {
		f.add("Service "+srv.Name, "its selector %v matches the labels of %d workloads", srv.Spec.Selector, found)
	}
}

func listens(pod *corev1.PodTemplateSpec, port int) bool {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if int(p.ContainerPort) == port {
				return true
			}
		}
	}
	return false
}

// names are kind and name of what can be referred to, Services once more with each
// of their ports.
func (s *Set) names(secrets []string) map[string]bool {
	all := map[string]bool{}
	for _, name := range secrets {
		all["Secret "+name] = true
	}
	for _, o := range s.Secrets {
		all["Secret "+o.Name] = true
	}
	for _, o := range s.Configs {
		all["ConfigMap "+o.Name] = true
	}
	for _, o := range s.Accounts {
		all["ServiceAccount "+o.Name] = true
	}
	for _, o := range s.Services {
		for _, port := range o.Spec.Ports {
			all["Service "+o.Name+" "+port.Name] = true
		}
	}
	return all
}

// variable is what a container has as an environment variable, from the ConfigMaps
// it takes.
func (s *Set) variable(c *corev1.Container, name string) string {
	for _, env := range c.Env {
		if env.Name == name {
			return env.Value
		}
	}
	for _, from := range c.EnvFrom {
		for _, config := range s.Configs {
			if from.ConfigMapRef != nil && from.ConfigMapRef.Name == config.Name && config.Data[name] != "" {
				return config.Data[name]
			}
		}
	}
	return ""
}

func (s *Set) deployment(name string) *appsv1.Deployment {
	for _, d := range s.Deployments {
		if d.Name == name {
			return d
		}
	}
	return nil
}

func (s *Set) scalerOf(deployment string) *autoscalingv2.HorizontalPodAutoscaler {
	for _, h := range s.Scalers {
		if h.Spec.ScaleTargetRef.Name == deployment {
			return h
		}
	}
	return nil
}

func matches(selector *metav1.LabelSelector, of map[string]string) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(of))
}
