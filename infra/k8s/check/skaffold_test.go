package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// skaffold are the fields of skaffold.yaml that it uses, after the documentation of
// schema v4beta11; Skaffold's own types cannot be had as a module everywhere.
type skaffold struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Build struct {
		TagPolicy struct {
			InputDigest *struct{} `json:"inputDigest"`
		} `json:"tagPolicy"`
		Local struct {
			Push        bool `json:"push"`
			UseBuildkit bool `json:"useBuildkit"`
		} `json:"local"`
		Artifacts []struct {
			Image   string `json:"image"`
			Context string `json:"context"`
			Docker  struct {
				Dockerfile string `json:"dockerfile"`
			} `json:"docker"`
		} `json:"artifacts"`
	} `json:"build"`
	Manifests struct {
		Kustomize struct {
			Paths []string `json:"paths"`
		} `json:"kustomize"`
	} `json:"manifests"`
	Deploy struct {
		Kubectl *struct{} `json:"kubectl"`
	} `json:"deploy"`
}

// skaffold.yaml builds every image that the overlay for development names, from
// Dockerfiles that are there.
func TestSkaffold(t *testing.T) {
	const root = "../../.."
	text, err := os.ReadFile(filepath.Join(root, "skaffold.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var s skaffold
	if err := yaml.UnmarshalStrict(text, &s); err != nil {
		t.Fatal(err)
	}
	if s.APIVersion != "skaffold/v4beta11" || s.Kind != "Config" || s.Build.TagPolicy.InputDigest == nil || s.Deploy.Kubectl == nil {
		t.Errorf("%+v", s)
	}
	if want := []string{"infra/k8s/overlays/local"}; !slices.Equal(s.Manifests.Kustomize.Paths, want) {
		t.Errorf("paths %q, want %q", s.Manifests.Kustomize.Paths, want)
	}
	var built, used []string
	for _, a := range s.Build.Artifacts {
		built = append(built, a.Image)
		// The path of a Dockerfile is relative to its context.
		if _, err := os.Stat(filepath.Join(root, a.Context, a.Docker.Dockerfile)); err != nil {
			t.Errorf("%s: %v", a.Image, err)
		}
	}
	for _, w := range local(t).Workloads() {
		name, _, _ := strings.Cut(w.Pod.Spec.Containers[0].Image, ":")
		used = append(used, name)
	}
	slices.Sort(built)
	slices.Sort(used)
	if !slices.Equal(built, used) {
		t.Errorf("it builds %q, and the overlay uses %q", built, used)
	}
}
