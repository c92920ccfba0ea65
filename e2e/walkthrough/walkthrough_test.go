package walkthrough

import (
	"slices"
	"testing"
)

func TestBlocks(t *testing.T) {
	got := Blocks("a\n```sh\nls\n```\n\n```text\nfile\n```\n```sh\npwd\n```\nwords\n```text\nno\n```\n```bash\nx\n```\n", "sh")
	want := []Block{{3, "ls\n", "file\n", true}, {10, "pwd\n", "", false}}
	if !slices.Equal(got, want) {
		t.Errorf("blocks %+v, want %+v", got, want)
	}
}

func TestExecute(t *testing.T) {
	got := execute(t, t.TempDir(), "x", []Block{{Commands: "x=1\necho one\n"}, {Commands: "echo $x $Y >&2; false"}, {Commands: "true"}}, []string{"Y=2"})
	want := []printed{{"one\n", 0}, {"1 2\n", 1}, {"", 0}}
	if !slices.Equal(got, want) {
		t.Errorf("printed %+v, want %+v", got, want)
	}
}
