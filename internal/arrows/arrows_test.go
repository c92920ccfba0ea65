// Package arrows holds which package of this module may import which:
//
//	cmd → services/*, frontend → internal/service → internal/telemetry → internal/{bus,web} → internal/event
//	services/* → internal/markdown
//
// and that package bus itself needs neither OpenTelemetry nor Prometheus: those are
// for the packages beside it, so that it can be taken without them.
//
// It has tests only. The linter says the same as one types; this also sees test
// files, and services that are not there yet.
package arrows

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// A rule says what the packages in a folder may import. The first rule whose
// folder holds the file applies; where there is none, anything goes.
type rule struct {
	folder string   // "*" stands for one path element
	module []string // folders of this module, beside the package's own
	others []string // packages of other modules; nil is any
	says   string
}

// busNeeds is all that package bus needs.
var busNeeds = []string{"github.com/redis/go-redis/v9", "github.com/google/uuid", "github.com/cenkalti/backoff/v5"}

var rules = []rule{
	{"internal/event", nil, []string{"github.com/google/uuid"}, "internal/event imports the standard library and google/uuid only"},
	{"internal/bus/*", []string{"internal/bus", "internal/event"}, nil, "what is in internal/bus/ imports internal/{bus,event} only"},
	{"internal/bus", []string{"internal/event"}, busNeeds, "internal/bus imports internal/event and a few modules only"},
	{"internal/markdown", []string{}, nil, "internal/markdown imports no other package of this module"},
	{"internal/web", []string{"internal/event"}, nil, "internal/web imports internal/event only"},
	{"internal/telemetry", []string{"internal/bus", "internal/web", "internal/event"}, nil, "internal/telemetry imports internal/{bus,web,event} only"},
	{"internal/service", []string{"internal/telemetry", "internal/bus", "internal/web", "internal/event"}, nil, "internal/service imports internal/{telemetry,bus,web,event} only"},
	{"internal", []string{"internal"}, nil, "internal packages import internal packages only"},
	{"services/*", []string{"internal/service", "internal/bus", "internal/web", "internal/event", "internal/markdown"}, nil, "services import internal/{service,bus,web,event,markdown} only, and never each other"},
	{"frontend", []string{"internal/telemetry", "internal/bus", "internal/web", "internal/event"}, nil, "the frontend imports internal/{telemetry,bus,web,event} only"},
	{"cmd/*", []string{"services", "frontend", "internal"}, nil, "commands import services, frontend and internal packages only"},
}

// helpers are packages that only tests and what stands beside the system use.
var (
	helpers  = []string{"internal/bustest", "internal/openapitest"}
	helped   = []string{"bench", "e2e"}
	helpSays = "only tests, bench and e2e import test helpers"
)

func TestArrows(t *testing.T) {
	breaches, err := check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaches {
		t.Error(b)
	}
}

func TestCheck(t *testing.T) {
	const uuid, other = "github.com/google/uuid", "github.com/redis/go-redis/v9"
	tests := []struct {
		name    string
		file    string
		imports []string
		want    string // what the breach says after the file, "" for none
	}{
		{"event takes std and uuid", "internal/event/a.go", []string{"fmt", "net/http", uuid}, ""},
		{"event takes no other module", "internal/event/a.go", []string{other}, other + ": internal/event imports the standard library and google/uuid only"},
		{"event takes nothing that begins like uuid", "internal/event/a.go", []string{uuid + "x"}, uuid + "x: internal/event imports the standard library and google/uuid only"},
		{"event's tests take other modules", "internal/event/a_test.go", []string{other, "m/internal/event"}, ""},
		{"event's tests do not look up", "internal/event/a_test.go", []string{"m/internal/bus"}, "m/internal/bus: internal/event imports the standard library and google/uuid only"},
		{"bus takes event and modules", "internal/bus/a.go", []string{"m/internal/event", other}, ""},
		{"bus does not take OpenTelemetry", "internal/bus/a.go", []string{"go.opentelemetry.io/otel/trace"}, "go.opentelemetry.io/otel/trace: internal/bus imports internal/event and a few modules only"},
		{"what is beside it does", "internal/bus/busotel/a.go", []string{"go.opentelemetry.io/otel/trace", "m/internal/bus", "m/internal/event"}, ""},
		{"and takes no web", "internal/bus/busotel/a.go", []string{"m/internal/web"}, "m/internal/web: what is in internal/bus/ imports internal/{bus,event} only"},
		{"bus does not take web", "internal/bus/a.go", []string{"m/internal/web"}, "m/internal/web: internal/bus imports internal/event and a few modules only"},
		{"markdown takes modules", "internal/markdown/a.go", []string{other}, ""},
		{"markdown does not take event", "internal/markdown/a.go", []string{"m/internal/event"}, "m/internal/event: internal/markdown imports no other package of this module"},
		{"a service takes markdown", "services/posts/a.go", []string{"m/internal/markdown"}, ""},
		{"web does not take bus", "internal/web/a.go", []string{"m/internal/bus"}, "m/internal/bus: internal/web imports internal/event only"},
		{"bus does not take helpers", "internal/bus/a.go", []string{"m/internal/bustest"}, "m/internal/bustest: internal/bus imports internal/event and a few modules only"},
		{"bus's tests take helpers", "internal/bus/a_test.go", []string{"m/internal/bustest", "m/internal/bus"}, ""},
		{"bustest is not bus", "internal/bustest/a.go", []string{"m/internal/bus"}, ""},
		{"internal does not look up", "internal/bustest/a.go", []string{"m/services/posts"}, "m/services/posts: internal packages import internal packages only"},
		{"a service takes all below", "services/posts/a.go", []string{"m/internal/bus", "m/internal/web", "m/internal/event", other}, ""},
		{"a service takes no other service", "services/posts/a.go", []string{"m/services/comments"}, "m/services/comments: services import internal/{service,bus,web,event,markdown} only, and never each other"},
		{"nor one that begins like it", "services/posts/a.go", []string{"m/services/postscript"}, "m/services/postscript: services import internal/{service,bus,web,event,markdown} only, and never each other"},
		{"nor in its tests", "services/posts/a_test.go", []string{"m/services/comments"}, "m/services/comments: services import internal/{service,bus,web,event,markdown} only, and never each other"},
		{"its tests take itself and helpers", "services/posts/a_test.go", []string{"m/services/posts", "m/internal/bustest"}, ""},
		{"a service takes no helpers", "services/posts/a.go", []string{"m/internal/bustest"}, "m/internal/bustest: services import internal/{service,bus,web,event,markdown} only, and never each other"},
		{"a service takes no command", "services/posts/a.go", []string{"m/cmd/posts"}, "m/cmd/posts: services import internal/{service,bus,web,event,markdown} only, and never each other"},
		{"nor the module's root", "services/posts/a.go", []string{"m"}, "m: services import internal/{service,bus,web,event,markdown} only, and never each other"},
		{"the frontend takes web", "frontend/server.go", []string{"m/internal/web"}, ""},
		{"the frontend takes no service", "frontend/server.go", []string{"m/services/posts"}, "m/services/posts: the frontend imports internal/{telemetry,bus,web,event} only"},
		{"a command takes services", "cmd/newsfeed/a.go", []string{"m/services/posts", "m/frontend", "m/internal/bus", "m/cmd/newsfeed/embedded"}, ""},
		{"a command takes no command", "cmd/newsfeed/a.go", []string{"m/cmd/posts/sub"}, "m/cmd/posts/sub: commands import services, frontend and internal packages only"},
		{"a command takes no helpers", "cmd/newsfeed/a.go", []string{"m/internal/bustest"}, "m/internal/bustest: only tests, bench and e2e import test helpers"},
		{"its tests do", "cmd/newsfeed/a_test.go", []string{"m/internal/bustest"}, ""},
		{"bench takes anything", "bench/a.go", []string{"m/internal/bustest", "m/services/posts"}, ""},
		{"a tool takes no helpers", "tools/a.go", []string{"m/internal/bustest"}, "m/internal/bustest: only tests, bench and e2e import test helpers"},
		{"what the go command passes over is passed over", "frontend/node_modules/x/a.go", []string{"m/services/posts"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := "package a\n"
			for _, i := range tt.imports {
				src += "import " + strconv.Quote(i) + "\n"
			}
			tree := module()
			tree[tt.file] = &fstest.MapFile{Data: []byte(src)}
			got, err := check(tree)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			if tt.want != "" {
				want = []string{tt.file + ":2: imports " + tt.want}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("breaches (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckServiceWithoutCommand(t *testing.T) {
	tree := module()
	tree["services/query/query.go"] = &fstest.MapFile{Data: []byte("package query\n")}
	got, err := check(tree)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"services/query: there is no cmd/query/main.go: every service has its command"}, got); diff != "" {
		t.Errorf("breaches (-want +got):\n%s", diff)
	}
}

// module is a module m with a service and its command.
func module() fstest.MapFS {
	return fstest.MapFS{
		"go.mod":                  {Data: []byte("module m\n")},
		"services/posts/posts.go": {Data: []byte("package posts\n")},
		"cmd/posts/main.go":       {Data: []byte("package main\nimport \"m/services/posts\"\n")},
	}
}

var moduleLine = regexp.MustCompile(`(?m)^module (\S+)`)

// check returns a line for everything in the module at the root of tree that
// breaks a rule.
func check(tree fs.FS) ([]string, error) {
	mod, err := fs.ReadFile(tree, "go.mod")
	if err != nil {
		return nil, err
	}
	name := moduleLine.FindSubmatch(mod)
	if name == nil {
		return nil, fmt.Errorf("go.mod has no module line")
	}
	breaches, err := commandless(tree)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if passedOver(tree, file) {
				return fs.SkipDir
			}
		case path.Ext(file) == ".go":
			found, err := checkFile(tree, file, string(name[1]))
			breaches = append(breaches, found...)
			return err
		}
		return nil
	})
	return breaches, err
}

// passedOver reports whether dir holds no packages of the module.
func passedOver(tree fs.FS, dir string) bool {
	base := path.Base(dir)
	if dir == "." {
		return false
	}
	if base == "node_modules" || base == "testdata" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := fs.Stat(tree, path.Join(dir, "go.mod"))
	return err == nil
}

// commandless finds the services without a command.
func commandless(tree fs.FS) ([]string, error) {
	sources, err := fs.Glob(tree, "services/*/*.go")
	if err != nil {
		return nil, err
	}
	var breaches []string
	for i, source := range sources {
		dir := path.Dir(source)
		if i > 0 && dir == path.Dir(sources[i-1]) {
			continue
		}
		main := path.Join("cmd", path.Base(dir), "main.go")
		if _, err := fs.Stat(tree, main); err != nil {
			breaches = append(breaches, fmt.Sprintf("%s: there is no %s: every service has its command", dir, main))
		}
	}
	return breaches, nil
}

func checkFile(tree fs.FS, file, module string) ([]string, error) {
	src, err := fs.ReadFile(tree, file)
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, file, src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var breaches []string
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if says := broken(file, imported, module); says != "" {
			breaches = append(breaches, fmt.Sprintf("%s:%d: imports %s: %s", file, files.Position(spec.Pos()).Line, imported, says))
		}
	}
	return breaches, nil
}

// broken returns what the rule says that file breaks with the import, or "".
func broken(file, imported, module string) string {
	isTest := strings.HasSuffix(file, "_test.go")
	r, home := ruleFor(file)
	if !within(imported, module) {
		first, _, _ := strings.Cut(imported, "/")
		if isTest || r.others == nil || !strings.Contains(first, ".") || slices.Contains(r.others, imported) {
			return ""
		}
		return r.says
	}

	target := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
	isHelper := slices.ContainsFunc(helpers, func(h string) bool { return within(target, h) })
	if isHelper && isTest {
		return ""
	}
	if !within(target, home) && !slices.ContainsFunc(r.module, func(m string) bool { return within(target, m) }) {
		return r.says
	}
	if isHelper && !slices.ContainsFunc(slices.Concat(helpers, helped), func(h string) bool { return within(file, h) }) {
		return helpSays
	}
	return ""
}

// ruleFor returns the rule for file and the folder it is in, without "*".
func ruleFor(file string) (rule, string) {
	have := strings.Split(path.Dir(file), "/")
	for _, r := range rules {
		want := strings.Split(r.folder, "/")
		if len(want) > len(have) {
			continue
		}
		home := path.Join(have[:len(want)]...)
		if ok, _ := path.Match(r.folder, home); ok {
			return r, home
		}
	}
	return rule{module: []string{""}}, ""
}

// within reports whether the slash-separated name is folder or in it.
func within(name, folder string) bool {
	return folder == "" || name == folder || strings.HasPrefix(name, folder+"/")
}
