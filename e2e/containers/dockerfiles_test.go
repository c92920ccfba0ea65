// Package containers tests what is shipped as images: their Dockerfiles, the
// users of Redis, the compose file and the walkthroughs. It has tests only. Those
// that need Docker have the build tag containers and run with make e2e.
package containers

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// ports are where the parts listen within their containers, and on 127.0.0.1.
func ports() map[string]int {
	return map[string]int{
		"frontend": 3000, "posts": 5001, "comments": 5002, "moderator": 5003, "query": 5004, "eventbus": 5005,
	}
}

// dockerfile returns the path of a part's Dockerfile below the root.
func dockerfile(part string) string {
	switch part {
	case "redis":
		return "docker-redis/Dockerfile"
	case "frontend":
		return "frontend/Dockerfile"
	case "newsfeed":
		return "Dockerfile"
	default:
		return "services/" + part + "/Dockerfile"
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// instructions returns a Dockerfile without comments and empty lines.
func instructions(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if trimmed := strings.TrimSpace(line); trimmed != "" && trimmed[0] != '#' {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// leading returns the instructions before the second FROM.
func leading(text string) string {
	all := instructions(text)
	second := strings.Index(all[1:], "\nFROM ")
	if second < 0 {
		return all
	}
	return all[:second+2]
}

// Five builds cost one as long as they begin alike; what is said of one image
// holds for all of them.
func TestDockerfilesBeginAlike(t *testing.T) {
	want := leading(readFile(t, dockerfile("posts")))
	if !strings.Contains(want, "go mod download\n") || !strings.Contains(want, "RUN go build ") {
		t.Fatalf("posts begins without modules and commands:\n%s", want)
	}
	for part := range ports() {
		if diff := cmp.Diff(want, leading(readFile(t, dockerfile(part)))); diff != "" {
			t.Errorf("%s does not begin as posts does (-posts +%s):\n%s", part, part, diff)
		}
	}
	if diff := cmp.Diff(want, leading(readFile(t, "Dockerfile"))); diff != "" {
		t.Errorf("the all in one does not begin as posts does (-posts +all):\n%s", diff)
	}
}

// What is not the part's own is the same in every service's last stage.
func TestServicesDockerfilesEndAlike(t *testing.T) {
	ending := func(part string) string {
		all := instructions(readFile(t, dockerfile(part)))
		_, end, _ := strings.Cut(all[1:], "\nFROM ")
		end = regexp.MustCompile(`image.description="[^"]*"`).ReplaceAllString(end, `image.description=""`)
		end = strings.ReplaceAll(end, fmt.Sprint(ports()[part]), "<port>")
		return strings.ReplaceAll(end, part, "<part>")
	}
	for _, part := range []string{"comments", "moderator", "query", "eventbus"} {
		if diff := cmp.Diff(ending("posts"), ending(part)); diff != "" {
			t.Errorf("%s does not end as posts does (-posts +%s):\n%s", part, part, diff)
		}
	}
}

func TestDockerfilesBuildEverywhere(t *testing.T) {
	for _, part := range []string{"redis", "frontend", "newsfeed", "posts", "comments", "moderator", "query", "eventbus"} {
		text := readFile(t, dockerfile(part))
		for _, wrong := range []string{"syntax=", "ENTRYPOINT", "--mount=", "--chmod=", "--link", "COPY <<"} {
			if strings.Contains(text, wrong) {
				t.Errorf("%s: %s is not for every builder, or takes the command away from docker run", dockerfile(part), wrong)
			}
		}
		for _, want := range []string{"USER 65532:65532", "EXPOSE ", "HEALTHCHECK ", "STOPSIGNAL SIGTERM", "\nCMD [", "org.opencontainers.image.title=\"newsfeed/" + part + "\""} {
			if part == "newsfeed" && want == "EXPOSE " {
				want = "EXPOSE 3000"
			}
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %s", dockerfile(part), want)
			}
		}
	}
}
