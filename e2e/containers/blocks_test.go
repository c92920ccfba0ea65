package containers

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A block is a shell block of a Markdown file, with what the text says it prints:
// the block of the language "text" that follows it with nothing but blank lines
// between. Without one nobody says what it prints.
type block struct {
	line     int // of the first command
	commands string
	want     string
	said     bool // there is a want
}

var fence = regexp.MustCompile("(?m)^```([a-z]*)\n((?s:.*?))^```$")

// blocks returns those of one language, in order.
func blocks(markdown, language string) []block {
	var all []block
	end := -1 // of the last block of the language
	for _, m := range fence.FindAllStringSubmatchIndex(markdown, -1) {
		lang, body := markdown[m[2]:m[3]], markdown[m[4]:m[5]]
		switch {
		case lang == language:
			all = append(all, block{line: strings.Count(markdown[:m[4]], "\n") + 1, commands: body})
			end = m[1]
		case lang == "text" && end >= 0 && strings.TrimSpace(markdown[end:m[0]]) == "":
			all[len(all)-1].want, all[len(all)-1].said = body, true
			end = -1
		default:
			end = -1
		}
	}
	return all
}

// normalisers are what differs from run to run. Everything else of an expected
// block must be printed as it stands there.
func normalisers() []struct {
	pattern *regexp.Regexp
	name    string
} {
	type n = struct {
		pattern *regexp.Regexp
		name    string
	}
	return []n{
		{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "<uuid>"},
		{regexp.MustCompile(`\b(sha256:)?([0-9a-f]{64}|[0-9a-f]{12})\b`), "<id>"},
		{regexp.MustCompile(`\b\d{13}-\d+\b`), "<entry>"},
		{regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)`), "<time>"},
		{regexp.MustCompile(`(?i)\b(About )?(an?|\d+|less than a) (second|minute|hour)s?( ago)?\b`), "<ago>"},
		{regexp.MustCompile(`\b\d+(\.\d+)?[kMG]?B\b`), "<size>"},
		{regexp.MustCompile(`[ \t]+`), " "},
	}
}

// normal returns a text without what differs from run to run.
func normal(text string) string {
	for _, n := range normalisers() {
		text = n.pattern.ReplaceAllString(text, n.name)
	}
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "")) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// agrees reports whether the block printed what the text says.
func (b block) agrees(got string) bool { return !b.said || normal(b.want) == normal(got) }

// wrongWord changes one word of an expected block after the other and returns the
// words that may be changed without being noticed.
func (b block) wrongWords(got string) []string {
	var unnoticed []string
	for _, at := range regexp.MustCompile(`[A-Za-z]{3,}`).FindAllStringIndex(b.want, -1) {
		changed := b
		changed.want = b.want[:at[0]] + "Wrong" + b.want[at[1]:]
		if changed.agrees(got) {
			unnoticed = append(unnoticed, b.want[at[0]:at[1]])
		}
	}
	return unnoticed
}

func walkthroughs() map[string]string {
	return map[string]string{"README.md": "bash", "docker-redis/README.md": "sh"}
}

func TestNormalisers(t *testing.T) {
	if n := len(normalisers()); n > 8 {
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
		if !(block{want: tt.want, said: true}).agrees(tt.got) {
			t.Errorf("%q and %q differ: %q, %q", tt.want, tt.got, normal(tt.want), normal(tt.got))
		}
	}
	for _, tt := range []struct{ want, got string }{{"Exited (0)", "Exited (137)"}, {"posts", "post"}, {"a b", "ab"}, {"", "x"}} {
		if (block{want: tt.want, said: true}).agrees(tt.got) {
			t.Errorf("%q is taken for %q", tt.want, tt.got)
		}
	}
}

func TestBlocks(t *testing.T) {
	got := blocks("a\n```sh\nls\n```\n\n```text\nfile\n```\n```sh\npwd\n```\nwords\n```text\nno\n```\n```bash\nx\n```\n", "sh")
	want := []block{{3, "ls\n", "file\n", true}, {10, "pwd\n", "", false}}
	if !slices.Equal(got, want) {
		t.Errorf("blocks %+v, want %+v", got, want)
	}
}

// Who copies a line from the walkthrough must not stop, or lose, what has nothing
// to do with it.
func TestWalkthroughsKeepToTheirLabel(t *testing.T) {
	sweeping := regexp.MustCompile(`\bprune\b|\$\(docker (ps|container ls|image ls|images|volume ls|network ls)`)
	for file, language := range walkthroughs() {
		for _, b := range blocks(readFile(t, file), language) {
			for i, line := range strings.Split(b.commands, "\n") {
				if sweeping.MatchString(line) && !strings.Contains(line, "label=newsfeed.course") {
					t.Errorf("%s:%d: %s is not filtered by label=newsfeed.course", file, b.line+i, line)
				}
			}
		}
		if len(blocks(readFile(t, file), language)) == 0 {
			t.Errorf("%s has no blocks of the language %s", file, language)
		}
	}
}
