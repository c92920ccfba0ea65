package event_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/event"
)

const asyncAPIPath = "../../docs/asyncapi.yaml"

type ref struct {
	Ref string `yaml:"$ref"`
}

// asyncAPI is the part of an AsyncAPI 3.0 document that says who says what where.
type asyncAPI struct {
	AsyncAPI string `yaml:"asyncapi"`
	Info     struct {
		Title   string `yaml:"title"`
		Version string `yaml:"version"`
	} `yaml:"info"`
	Channels map[string]struct {
		Address    string         `yaml:"address"`
		Messages   map[string]ref `yaml:"messages"`
		Parameters map[string]struct {
			Enum    []string `yaml:"enum"`
			Default string   `yaml:"default"`
		} `yaml:"parameters"`
	} `yaml:"channels"`
	Operations map[string]struct {
		Action   string `yaml:"action"`
		Channel  ref    `yaml:"channel"`
		Messages []ref  `yaml:"messages"`
	} `yaml:"operations"`
	Components struct {
		Messages map[string]struct {
			Name    string `yaml:"name"`
			Headers ref    `yaml:"headers"`
			Payload ref    `yaml:"payload"`
		} `yaml:"messages"`
	} `yaml:"components"`
}

func readAsyncAPI(t *testing.T) asyncAPI {
	t.Helper()
	text, err := os.ReadFile(asyncAPIPath)
	if err != nil {
		t.Fatal(err)
	}
	var doc asyncAPI
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestAsyncAPIStructure(t *testing.T) {
	doc := readAsyncAPI(t)
	if !strings.HasPrefix(doc.AsyncAPI, "3.0.") || doc.Info.Title == "" || doc.Info.Version == "" {
		t.Errorf("asyncapi = %q, info = %+v; want 3.0.x with title and version", doc.AsyncAPI, doc.Info)
	}
	for name, c := range doc.Channels {
		// The braces are a parameter to AsyncAPI; put in, it must give the stream.
		address := c.Address
		for parameter, p := range c.Parameters {
			if !slices.Equal(p.Enum, []string{p.Default}) {
				t.Errorf("parameter %s can be %v, want %q alone", parameter, p.Enum, p.Default)
			}
			address = strings.ReplaceAll(address, "{"+parameter+"}", p.Default)
		}
		if want := event.Stream(name); c.Address != want || address != want || len(c.Parameters) != 1 {
			t.Errorf("channel %s has address %q, which comes to %q; want %q", name, c.Address, address, want)
		}
	}
	for name, op := range doc.Operations {
		if op.Action != "send" && op.Action != "receive" {
			t.Errorf("operation %s: action %q", name, op.Action)
		}
		service, rest, _ := strings.Cut(name, ".")
		channel := strings.TrimPrefix(op.Channel.Ref, "#/channels/")
		if want := op.Action + "." + channel; rest != want || service == "" {
			t.Errorf("operation %s is not named <service>.%s", name, want)
		}
		// A reader gets the whole stream, and the door may write all of it.
		var got, want []string
		for _, m := range op.Messages {
			got = append(got, m.Ref)
		}
		for message := range doc.Channels[channel].Messages {
			want = append(want, "#/channels/"+channel+"/messages/"+message)
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages of operation %s (-channel's +operation's):\n%s", name, diff)
		}
	}
}

func TestAsyncAPITypesAreWithTheirOwners(t *testing.T) {
	doc := readAsyncAPI(t)
	want := map[string][]string{event.Posts: nil, event.Comments: nil, event.Moderator: nil, event.EventBus: nil}
	for _, typ := range event.Types() {
		want[event.Owner(typ)] = append(want[event.Owner(typ)], typ)
	}
	got := map[string][]string{}
	for name, c := range doc.Channels {
		got[name] = nil
		for message, r := range c.Messages {
			got[name] = append(got[name], message)
			if want := "#/components/messages/" + message; r.Ref != want {
				t.Errorf("channel %s: %s is %s, want %s", name, message, r.Ref, want)
			}
		}
	}
	for name := range want {
		slices.Sort(want[name])
		slices.Sort(got[name])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages by channel (-vocabulary +document):\n%s", diff)
	}
	for name, m := range doc.Components.Messages {
		if !slices.Contains(event.Types(), name) || m.Name != name {
			t.Errorf("message %s with name %q is not in the vocabulary", name, m.Name)
		}
		if want := "../internal/event/schema/" + name + ".json"; m.Payload.Ref != want {
			t.Errorf("payload of %s is %s, want %s", name, m.Payload.Ref, want)
		}
		if m.Headers.Ref != "#/components/schemas/headers" {
			t.Errorf("headers of %s are %q", name, m.Headers.Ref)
		}
	}
}

// Who writes and who reads which stream, as the design's table of parts has it.
func TestAsyncAPIOperations(t *testing.T) {
	want := []string{
		"posts.send.posts", "posts.receive.posts", "posts.receive.moderator",
		"comments.send.comments", "comments.receive.posts", "comments.receive.moderator", "comments.receive.comments",
		"moderator.send.moderator", "moderator.receive.comments", "moderator.receive.posts",
		"query.receive.posts", "query.receive.comments",
		"eventbus.send.posts", "eventbus.send.comments", "eventbus.send.moderator", "eventbus.send.eventbus",
		"eventbus.receive.posts", "eventbus.receive.comments", "eventbus.receive.moderator", "eventbus.receive.eventbus",
	}
	var got []string
	for name := range readAsyncAPI(t).Operations {
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-design +document):\n%s", diff)
	}
}

func TestAsyncAPIHeadersAreTheFields(t *testing.T) {
	doc := readTree(t)
	node, err := resolve(doc, "#/components/schemas/headers/properties")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range event.FieldNames() {
		if name != "data" {
			want = append(want, name)
		}
	}
	var got []string
	for _, item := range node.(yaml.MapSlice) {
		got = append(got, fmt.Sprint(item.Key))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers in their order (-FieldNames +document):\n%s", diff)
	}
}

func TestAsyncAPIRefsResolve(t *testing.T) {
	doc := readTree(t)
	refs := 0
	var walk func(node any)
	walk = func(node any) {
		switch n := node.(type) {
		case yaml.MapSlice:
			for _, item := range n {
				if item.Key == "$ref" {
					refs++
					if _, err := resolve(doc, fmt.Sprint(item.Value)); err != nil {
						t.Error(err)
					}
				}
				walk(item.Value)
			}
		case []any:
			for _, item := range n {
				walk(item)
			}
		}
	}
	walk(doc)
	if refs == 0 {
		t.Error("no $ref was found")
	}
}

// readTree reads the document as it is, its maps in their order.
func readTree(t *testing.T) any {
	t.Helper()
	text, err := os.ReadFile(asyncAPIPath)
	if err != nil {
		t.Fatal(err)
	}
	var tree yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(text, &tree, yaml.UseOrderedMap()); err != nil {
		t.Fatal(err)
	}
	return tree
}

// resolve follows a $ref: a pointer into doc, or a file beside it.
func resolve(doc any, ref string) (any, error) {
	pointer, local := strings.CutPrefix(ref, "#/")
	if !local {
		_, err := os.Stat(filepath.Join(filepath.Dir(asyncAPIPath), ref))
		return nil, err
	}
	node := doc
	for _, name := range strings.Split(pointer, "/") {
		m, _ := node.(yaml.MapSlice)
		i := slices.IndexFunc(m, func(item yaml.MapItem) bool { return item.Key == name })
		if i < 0 {
			return nil, errors.New(ref + " leads nowhere")
		}
		node = m[i].Value
	}
	return node, nil
}
