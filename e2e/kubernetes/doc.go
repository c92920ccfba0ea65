// Package kubernetes tests infra/k8s on a real cluster: the walkthrough as it is
// written, and that rollouts, deleted pods and scaling lose nothing. It has tests
// only; they have the build tag kubernetes and run with make e2e-k8s.
package kubernetes
