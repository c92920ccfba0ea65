package main

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"newsfeed/frontend"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
	"newsfeed/services/comments"
	"newsfeed/services/eventbus"
	"newsfeed/services/moderator"
	"newsfeed/services/posts"
	"newsfeed/services/query"
)

const configurationPage = "../../docs/configuration.md"

// configs are what each part can be told.
func configs() map[string]reflect.Type {
	return map[string]reflect.Type{
		event.Posts:     reflect.TypeFor[posts.Config](),
		event.Comments:  reflect.TypeFor[comments.Config](),
		event.Moderator: reflect.TypeFor[moderator.Config](),
		event.Query:     reflect.TypeFor[query.Config](),
		event.EventBus:  reflect.TypeFor[eventbus.Config](),
		pageName:        reflect.TypeFor[frontend.Config](),
	}
}

// fiveServices are all parts but the front end.
func fiveServices() []string {
	all := configs()
	delete(all, pageName)
	return slices.Collect(maps.Keys(all))
}

// setting is a variable as the code or the page has it.
type setting struct {
	Default  string
	Readers  string // sorted, with commas between
	FromFile bool   // there is a NAME_FILE
}

// settingsOfCode returns the variables of all parts.
func settingsOfCode() map[string]setting {
	all, readers := map[string]setting{}, map[string][]string{}
	for part, config := range configs() {
		for _, f := range reflect.VisibleFields(config) {
			name := f.Tag.Get("env")
			if name == "" {
				continue
			}
			readers[name] = append(readers[name], part)
			all[name] = setting{Default: f.Tag.Get("envDefault"), FromFile: web.IsSecret(f.Type)}
		}
	}
	for name, s := range all {
		s.Readers = joined(readers[name])
		all[name] = s
	}
	return all
}

func joined(parts []string) string {
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

var (
	settingRow = regexp.MustCompile("(?m)^\\| `([A-Z_]+)`( `_FILE`)? \\| ([a-z, ]+) \\| ([^|]+) \\| ([^|]+) \\|.*\\|$")
	codeText   = regexp.MustCompile("^`([^`]+)`$")
)

// settingsOfPage returns the rows of docs/configuration.md, and what each says of
// Compose.
func settingsOfPage(text string) (all map[string]setting, compose map[string]string) {
	all, compose = map[string]setting{}, map[string]string{}
	for _, row := range settingRow.FindAllStringSubmatch(text, -1) {
		name, readers, standard := row[1], strings.Split(row[3], ", "), ""
		switch row[3] {
		case "all":
			readers = slices.Collect(maps.Keys(configs()))
		case "services":
			readers = fiveServices()
		}
		if code := codeText.FindStringSubmatch(row[4]); code != nil {
			standard = code[1]
		}
		all[name], compose[name] = setting{Default: standard, Readers: joined(readers), FromFile: row[2] != ""}, row[5]
	}
	return all, compose
}

// TestConfigurationPage holds docs/configuration.md against the code and the file
// of Compose.
func TestConfigurationPage(t *testing.T) {
	page := readText(t, configurationPage)
	said, inCompose := settingsOfPage(page)
	want := settingsOfCode()
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("%s differs from the code (-code +page):\n%s", configurationPage, diff)
	}
	composeText := readText(t, "../../docker-compose.yml")
	var compose struct {
		Services map[string]struct{ Environment map[string]string }
	}
	// A key that stands beside <<: takes the place of the one that is merged.
	if err := yaml.UnmarshalWithOptions([]byte(composeText), &compose, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	for name, s := range want {
		for part := range strings.SplitSeq(s.Readers, ",") {
			value, passed := compose.Services[part].Environment[name]
			if passes := inCompose[name] != "–"; passes != passed {
				t.Errorf("%s: the page says %q of Compose, which has %q for %s", name, inCompose[name], value, part)
			}
		}
	}
	for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)`).FindAllStringSubmatch(composeText, -1) {
		if !strings.Contains(page, "`"+m[1]+"`") {
			t.Errorf("%s does not have %s, which Compose reads", configurationPage, m[1])
		}
	}
}

// TestSettingsOfPage shows that a row is read as it is meant.
func TestSettingsOfPage(t *testing.T) {
	all, compose := settingsOfPage("| variable | read by | default | Compose | |\n|---|---|---|---|---|\n" +
		"| `ONE` `_FILE` | posts, comments | `1s` | yes | text |\n| `TWO` | services | none | – | |\n")
	want := map[string]setting{
		"ONE": {Default: "1s", Readers: "comments,posts", FromFile: true},
		"TWO": {Readers: joined(fiveServices())},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"ONE": "yes", "TWO": "–"}, compose); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
