package check

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// faults gathers what is wrong, each with where.
type faults []string

func (f *faults) add(where any, format string, args ...any) {
	*f = append(*f, fmt.Sprintf("%s: %s", where, fmt.Sprintf(format, args...)))
}

// Pods holds every pod against the rules, and returns a line for each breach.
func Pods(s *Set) ([]string, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, err
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	var f faults
	for _, w := range s.Workloads() {
		verdict := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &w.Pod.ObjectMeta, &w.Pod.Spec))
		if !verdict.Allowed {
			f.add(w, `not admitted under "restricted": %s`, verdict.ForbiddenDetail())
		}
		f.pod(w)
		for _, c := range append(w.Pod.Spec.InitContainers, w.Pod.Spec.Containers...) {
			f.container(w, &c)
		}
		for _, c := range w.Pod.Spec.Containers {
			f.probes(w, &c)
		}
	}
	return f, nil
}

func (f *faults) pod(w Workload) {
	spec := &w.Pod.Spec
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		f.add(w, "a token of its service account is mounted")
	}
	if user := spec.SecurityContext; user == nil || user.RunAsUser == nil || *user.RunAsUser == 0 {
		f.add(w, "does not say which user it runs as, or that it is root")
	}
	if w.Kind == "Pod" {
		return // the lesson's, which is about nothing else
	}
	if spec.ServiceAccountName == "" || spec.ServiceAccountName == "default" {
		f.add(w, "has no service account of its own")
	}
	if spec.EnableServiceLinks == nil || *spec.EnableServiceLinks {
		f.add(w, "gets variables such as POSTS_PORT for every Service, which it may take for its own")
	}
	if spec.TerminationGracePeriodSeconds == nil {
		f.add(w, "does not say how long it may take to stop")
	}
}

func (f *faults) container(w Workload, c *corev1.Container) {
	name, tag, tagged := strings.Cut(c.Image[strings.LastIndexByte(c.Image, '/')+1:], ":")
	digest := strings.Contains(name, "@")
	if !digest && (!tagged || tag == "latest" || tag == "") {
		f.add(w, "image %s is another one tomorrow: it needs a tag that is not latest", c.Image)
	}
	if sc := c.SecurityContext; sc == nil || sc.ReadOnlyRootFilesystem == nil || !*sc.ReadOnlyRootFilesystem {
		f.add(w, "%s can write to its image's file system", c.Name)
	}
	for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := c.Resources.Requests[resource], c.Resources.Limits[resource]
		if request.IsZero() {
			f.add(w, "%s does not request %s", c.Name, resource)
		}
		if limit.IsZero() {
			f.add(w, "%s has no limit of %s", c.Name, resource)
		} else if request.Cmp(limit) > 0 {
			f.add(w, "%s requests more %s than its limit", c.Name, resource)
		}
	}
}

func (f *faults) probes(w Workload, c *corev1.Container) {
	for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		if probe == nil {
			f.add(w, "%s has no %s probe", c.Name, name)
		}
	}
	if live, ready := c.LivenessProbe, c.ReadinessProbe; live != nil && ready != nil && live.HTTPGet != nil && ready.HTTPGet != nil &&
		live.HTTPGet.Path == ready.HTTPGet.Path {
		f.add(w, "%s is killed for what it only depends on: its liveness probe asks what the readiness probe asks", c.Name)
	}
}
