//go:build kubernetes

package kubernetes

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"newsfeed/e2e/walkthrough"
)

// The walkthrough, executed as written.
func TestWalkthrough(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = try("kubectl", "delete", "namespace", namespace, "--ignore-not-found") })
	walkthrough.Text{
		{Pattern: regexp.MustCompile(`\b(\d+m)?\d+s\b`), Name: "<age>"},
		{Pattern: regexp.MustCompile(`(?m) from newsfeed namespace$`), Name: ""}, // newer versions of kubectl say it
		{Pattern: regexp.MustCompile(`[ \t]+`), Name: " "},
	}.Run(t, root, page, walkthrough.Blocks(string(text), "bash"))
}
