package containers

import (
	"regexp"
	"strings"
	"testing"

	"newsfeed/e2e/walkthrough"
)

// texts are what the walkthroughs say, but for what differs from run to run.
func texts() walkthrough.Text {
	return walkthrough.Text{
		{Pattern: regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), Name: "<uuid>"},
		{Pattern: regexp.MustCompile(`\b(sha256:)?([0-9a-f]{64}|[0-9a-f]{12})\b`), Name: "<id>"},
		{Pattern: regexp.MustCompile(`\b\d{13}-\d+\b`), Name: "<entry>"},
		{Pattern: regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)`), Name: "<time>"},
		{Pattern: regexp.MustCompile(`(?i)\b(About )?(an?|\d+|less than a) (second|minute|hour)s?( ago)?\b`), Name: "<ago>"},
		{Pattern: regexp.MustCompile(`\b\d+(\.\d+)?[kMG]?B\b`), Name: "<size>"},
		{Pattern: regexp.MustCompile(`[ \t]+`), Name: " "},
	}
}

func walkthroughs() map[string]string {
	return map[string]string{"README.md": "bash", "docker-redis/README.md": "sh"}
}

func TestNormalisers(t *testing.T) {
	if n := len(texts()); n > 8 {
		t.Errorf("%d patterns, at most 8 keep the comparison honest", n)
	}
	for _, tt := range []struct{ want, got string }{
		{"0123456789ab", "ba9876543210"},
		{"sha256:" + strings.Repeat("0a", 32), "sha256:" + strings.Repeat("b1", 32)},
		{"CREATED 2 minutes ago   Up 3 seconds", "CREATED  About a minute ago  Up 2 seconds"},
		{"1700000000000-0", "1795539701694-12"},
		{"12.1MB", "80.3MB"},
		{"at 2026-01-02T03:04:05.678Z", "at 2027-01-02T03:04:05Z"},
	} {
		if !texts().Agrees(walkthrough.Block{Want: tt.want, Said: true}, tt.got) {
			t.Errorf("%q and %q differ: %q, %q", tt.want, tt.got, texts().Normal(tt.want), texts().Normal(tt.got))
		}
	}
	for _, tt := range []struct{ want, got string }{{"Exited (0)", "Exited (137)"}, {"posts", "post"}, {"a b", "ab"}, {"", "x"}} {
		if texts().Agrees(walkthrough.Block{Want: tt.want, Said: true}, tt.got) {
			t.Errorf("%q is taken for %q", tt.want, tt.got)
		}
	}
}

// Who copies a line from the walkthrough must not stop, or lose, what has nothing
// to do with it.
func TestWalkthroughsKeepToTheirLabel(t *testing.T) {
	sweeping := regexp.MustCompile(`\bprune\b|\$\(docker (ps|container ls|image ls|images|volume ls|network ls)`)
	for file, language := range walkthroughs() {
		for _, b := range walkthrough.Blocks(readFile(t, file), language) {
			for i, line := range strings.Split(b.Commands, "\n") {
				if sweeping.MatchString(line) && !strings.Contains(line, "label=newsfeed.course") {
					t.Errorf("%s:%d: %s is not filtered by label=newsfeed.course", file, b.Line+i, line)
				}
			}
		}
		if len(walkthrough.Blocks(readFile(t, file), language)) == 0 {
			t.Errorf("%s has no blocks of the language %s", file, language)
		}
	}
}
