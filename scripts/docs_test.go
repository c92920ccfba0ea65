package scripts_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	fenced  = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	heredoc = regexp.MustCompile(`(?ms)(<<'?END'?.*?)\n.*?^END$`)
	remark  = regexp.MustCompile(`(?m)(^|\s)#\s.*$`)
	quotes  = regexp.MustCompile(`(?s)'[^']*'|"[^"]*"`)
	written = regexp.MustCompile(`(?:^|\s)>>?\s*([A-Za-z_./][\w./-]*)|\btee (?:-a )?([\w./-]+)|\bcp [\w./-]+ ([\w./-]+)`)
)

// writtenBy returns the files of the current folder that documented commands write.
func writtenBy(markdown string) []string {
	var files []string
	elsewhere := false // after cd to another place
	for _, m := range fenced.FindAllStringSubmatch(markdown, -1) {
		if !slices.Contains([]string{"", "sh", "bash", "console"}, m[1]) {
			continue
		}
		block := quotes.ReplaceAllString(remark.ReplaceAllString(heredoc.ReplaceAllString(m[2], "$1"), ""), "''")
		for line := range strings.Lines(block) {
			if strings.Contains(line, "cd -") {
				elsewhere = false
			} else if strings.Contains(line, "cd /") {
				elsewhere = true
			}
			for _, w := range written.FindAllStringSubmatch(line, -1) {
				if file := w[1] + w[2] + w[3]; !elsewhere && !filepath.IsAbs(file) {
					files = append(files, file)
				}
			}
		}
	}
	return files
}

func TestWrittenBy(t *testing.T) {
	const markdown = "```\numask 077\ncp .env a.env\necho x >b.tar; echo y >>c # not >d\ntee e <<'END'\n >f\nEND\nsh -c 'x >g' >/dev/null 2>&1\ncd /tmp\necho >h\ncd -\necho >i\n```\n"
	if got, want := strings.Join(writtenBy(markdown), " "), "a.env b.tar c e i"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What the documented commands write into the checkout, secrets among it, never gets
// into a commit.
func TestDocumentedFiles_IgnoredByGit(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "git", "-C", "..", "rev-parse", "--show-toplevel").CombinedOutput(); err != nil {
		t.Skipf("this is no git checkout: %s", out)
	}
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	n := 0
	for _, page := range append(pages, "../README.md", "../docker-redis/README.md", "../infra/k8s/README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range writtenBy(string(text)) {
			n++
			if err := exec.CommandContext(t.Context(), "git", "-C", "..", "check-ignore", "-q", "--no-index", file).Run(); err != nil {
				t.Errorf("%s has a command that writes %s, which git does not ignore (%v)", page, file, err)
			}
		}
	}
	if n < 5 {
		t.Errorf("%d files found: the test no longer reads the pages", n)
	}
}

// The documented backup and restore, executed as they stand with stand-ins for docker,
// kubectl and make, leave nothing that others may read.
func TestDocumentedBackup_ReadableByOwnerOnly(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Back up and restore\n")
	section, _, _ = strings.Cut(section, "\n## ")
	dir, bin := t.TempDir(), t.TempDir()
	for _, name := range []string{"docker", "kubectl", "make"} {
		stub := "#!/bin/sh\necho aof_rewrite_in_progress:0\n"
		if err := os.WriteFile(filepath.Join(bin, name), []byte(stub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("ADMIN_TOKEN=secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	executed := 0
	for _, m := range fenced.FindAllStringSubmatch(section, -1) {
		if !strings.Contains(m[2], "backup/") {
			continue
		}
		executed++
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", "umask 022\n"+m[2])
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s\n%s", err, out, m[2])
		}
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		files++
		return err
	})
	if err != nil || executed < 4 || files < 5 {
		t.Errorf("%d blocks, %d files, %v: the test no longer reads the page", executed, files, err)
	}
}
