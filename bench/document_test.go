package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Only what stands between the markers is written anew, and again the same.
func TestDocument(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "docs", "performance.md")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	const head, foot = "# Performance\n\n<!-- bench:table -->\n", "<!-- /bench:table -->\nthe end\n<!-- bench:long -->\nold\n<!-- /bench:long -->\n"
	if err := os.WriteFile(file, []byte(head+"old\n"+foot), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &results{Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Rounds: 5, Rows: []row{sample()}}
	var first string
	for range 2 {
		if err := r.document(root); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := string(text)
		if !strings.HasPrefix(got, head) || !strings.HasSuffix(got, foot) || !strings.Contains(got, "2 January 2026") {
			t.Errorf("not what it should be:\n%s", got)
		}
		if first != "" && got != first {
			t.Errorf("the second time it is:\n%s\nand was:\n%s", got, first)
		}
		first = got
	}
	chart, err := os.Open(filepath.Join(root, "docs", "performance-table.svg"))
	if err != nil {
		t.Fatal(err)
	}
	defer chart.Close()
	for d := xml.NewDecoder(chart); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the chart is no XML: %v", err)
		}
	}
}

func TestDocumentWithoutMarkers(t *testing.T) {
	if _, err := between([]byte("# Performance\n"), "table", "x"); err == nil {
		t.Error("no error, and there is nowhere to write")
	}
}

// The project's own document has the markers of both parts.
func TestOwnDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"table", "long"} {
		if _, err := between(text, part, "x"); err != nil {
			t.Error(err)
		}
	}
}
