// Package check holds the manifests beside it against what they promise, without
// a cluster: that every document is one that Kubernetes knows, that no pod asks for
// more than it needs or goes unwatched, that what refers to something finds it,
// and who may talk to whom.
//
// It is a module of its own, since it takes Kustomize and the types of Kubernetes,
// which nothing of the newsfeed itself needs. make check runs it.
package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Set is what is applied together.
type Set struct {
	Namespaces   []*corev1.Namespace
	Configs      []*corev1.ConfigMap
	Secrets      []*corev1.Secret
	Accounts     []*corev1.ServiceAccount
	Pods         []*corev1.Pod
	Deployments  []*appsv1.Deployment
	StatefulSets []*appsv1.StatefulSet
	Services     []*corev1.Service
	Ingresses    []*networkingv1.Ingress
	Policies     []*networkingv1.NetworkPolicy
	Budgets      []*policyv1.PodDisruptionBudget
	Scalers      []*autoscalingv2.HorizontalPodAutoscaler
}

// Build does what kubectl kustomize does with a folder.
func Build(dir string) ([]byte, error) {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy // the namespace first, as kubectl has it
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("kustomize %s: %w", dir, err)
	}
	return resources.AsYaml()
}

// Decode reads documents into the types of k8s.io/api. A field that those do not
// have is an error, as is one that is there twice.
func Decode(text []byte) (*Set, error) {
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	docs := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	set := &Set{}
	for n := 1; ; n++ {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return set, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", n, err)
		}
		object, _, err := strict.Decode(doc, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", n, err)
		}
		if err := set.add(object); err != nil {
			return nil, fmt.Errorf("document %d: %w", n, err)
		}
	}
}

func (s *Set) add(object runtime.Object) error {
	switch o := object.(type) {
	case *corev1.Namespace:
		s.Namespaces = append(s.Namespaces, o)
	case *corev1.ConfigMap:
		s.Configs = append(s.Configs, o)
	case *corev1.Secret:
		s.Secrets = append(s.Secrets, o)
	case *corev1.ServiceAccount:
		s.Accounts = append(s.Accounts, o)
	case *corev1.Pod:
		s.Pods = append(s.Pods, o)
	case *appsv1.Deployment:
		s.Deployments = append(s.Deployments, o)
	case *appsv1.StatefulSet:
		s.StatefulSets = append(s.StatefulSets, o)
	case *corev1.Service:
		s.Services = append(s.Services, o)
	case *networkingv1.Ingress:
		s.Ingresses = append(s.Ingresses, o)
	case *networkingv1.NetworkPolicy:
		s.Policies = append(s.Policies, o)
	case *policyv1.PodDisruptionBudget:
		s.Budgets = append(s.Budgets, o)
	case *autoscalingv2.HorizontalPodAutoscaler:
		s.Scalers = append(s.Scalers, o)
	default:
		return fmt.Errorf("no rule knows a %T: add it here, and what is to hold for it", object)
	}
	return nil
}

// Workload is something that makes pods, or a pod.
type Workload struct {
	Kind string
	Meta *metav1.ObjectMeta
	Pod  *corev1.PodTemplateSpec
}

func (w Workload) String() string { return w.Kind + " " + w.Meta.Name }

// Workloads are all of them.
func (s *Set) Workloads() []Workload {
	var all []Workload
	for _, d := range s.Deployments {
		all = append(all, Workload{"Deployment", &d.ObjectMeta, &d.Spec.Template})
	}
	for _, d := range s.StatefulSets {
		all = append(all, Workload{"StatefulSet", &d.ObjectMeta, &d.Spec.Template})
	}
	for _, p := range s.Pods {
		all = append(all, Workload{"Pod", &p.ObjectMeta, &corev1.PodTemplateSpec{ObjectMeta: p.ObjectMeta, Spec: p.Spec}})
	}
	return all
}
