//go:build kubernetes

package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"newsfeed/e2e/walkthrough"
)

const (
	root      = "../.."
	page      = "infra/k8s/README.md"
	overlay   = "infra/k8s/overlays/local"
	namespace = "newsfeed"
)

// TestMain looks for a cluster, and gives kubectl a configuration of its own, so
// that nobody's present context changes. K8S_LOAD copies images into the cluster.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "newsfeed-k8s")
	if err == nil {
		err = prepare(dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func prepare(dir string) error {
	out, err := try("kubectl", "get", "--raw", "/version", "--request-timeout=5s")
	if err != nil {
		return fmt.Errorf("make e2e-k8s needs a Kubernetes cluster of your own, named by KUBECONFIG or the present context of kubectl, and there is none: %s",
			lastLine(out, err))
	}
	config, err := exec.Command("kubectl", "config", "view", "--raw", "--flatten", "--minify").Output()
	if err != nil {
		return fmt.Errorf("kubectl config view: %w", err)
	}
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"KUBECONFIG": file,
		// Over WebSockets, kubectl exec now and then loses what was printed.
		"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false",
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	if out, err := try("kubectl", "get", "namespace", namespace); err == nil {
		return fmt.Errorf("this cluster has a namespace %s already, which make e2e-k8s would delete at its end:\n%s", namespace, out)
	}
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return err
	}
	begin := time.Now()
	for _, b := range walkthrough.Blocks(string(text), "bash")[:2] { // build the images, and load them
		if out, err := try("bash", "-ec", b.Commands); err != nil {
			return fmt.Errorf("%s:%d: %w: %s", page, b.Line, err, out)
		}
	}
	fmt.Printf("images built and loaded in %s\n", time.Since(begin).Round(time.Second))
	return nil
}

// try runs a command in the project's folder and returns what it printed: the
// standard output, and the errors if it failed.
func try(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = root
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out := strings.TrimSpace(stdout.String())
	if err != nil {
		out = strings.TrimSpace(out + "\n" + stderr.String())
	}
	return out, err
}

func lastLine(out string, err error) string {
	if out == "" {
		return err.Error()
	}
	return out[strings.LastIndexByte(out, '\n')+1:]
}
