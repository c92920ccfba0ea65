package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A build around this one that is for production must not leave the tools out, and
// what was installed without them is not taken for whole.
func TestFrontend_InstallsTools_WhateverTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{
		nil, {"NODE_ENV=production"}, {"npm_config_omit=dev"}, {"NPM_CONFIG_OMIT=dev"}, {"npm_config_production=true"},
	} {
		t.Run(strings.Join(env, " "), func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			run := func() string { return runFrontend(t, root, env) }
			if got := run(); !strings.Contains(got, "npm ci --include=dev") {
				t.Errorf("nothing is installed: it calls\n%s", got)
			}
			if got := run(); strings.Contains(got, "npm ci") {
				t.Errorf("installed already, it installs again:\n%s", got)
			}
			if err := os.Remove(filepath.Join(root, "frontend/node_modules/.bin/vite")); err != nil {
				t.Fatal(err)
			}
			if got := run(); !strings.Contains(got, "npm ci --include=dev") {
				t.Errorf("without vite nothing is installed: it calls\n%s", got)
			}
			lock := filepath.Join(root, "frontend/package-lock.json")
			if err := os.WriteFile(lock, []byte(`{"other":1}`), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := run(); !strings.Contains(got, "npm ci --include=dev") {
				t.Errorf("with another lock file nothing is installed: it calls\n%s", got)
			}
		})
	}
}

// runFrontend runs frontend.sh check in a checkout below root with an npm that only
// says how it was called, and returns that. The npm installs tools unless it is told
// to leave them out.
func runFrontend(t *testing.T, root string, env []string) string {
	t.Helper()
	for _, dir := range []string{"scripts", "frontend", "bin"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("frontend.sh")
	if err != nil {
		t.Fatal(err)
	}
	const npm = `#!/bin/sh
echo "npm $*"
[ "$1" = ci ] || exit 0
rm -rf node_modules
mkdir -p node_modules/.bin
[ -z "$NODE_ENV$npm_config_omit$NPM_CONFIG_OMIT$npm_config_production" ] || { echo 'left out'; exit 0; }
for tool in vite vitest; do printf '#!/bin/sh\n' >node_modules/.bin/$tool; chmod +x node_modules/.bin/$tool; done
`
	for name, text := range map[string]string{
		"scripts/frontend.sh": string(script), "bin/npm": npm, "bin/node": "#!/bin/sh\nexit 0\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	lock := filepath.Join(root, "frontend/package-lock.json")
	if _, err := os.Stat(lock); err != nil {
		if err := os.WriteFile(lock, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", filepath.Join(root, "scripts/frontend.sh"), "check")
	cmd.Env = append([]string{"PATH=" + filepath.Join(root, "bin") + ":" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("frontend.sh: %v\n%s", err, out)
	}
	return string(out)
}

// The web app is built wherever the checkout is.
func TestFrontend_Builds_InAnyPath(t *testing.T) {
	t.Parallel()
	modules, err := filepath.Abs("../frontend/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, ".bin/vite")); err != nil {
		t.Skip("the web app's tools are not installed here; make test installs them first")
	}
	root := filepath.Join(t.TempDir(), "a checkout für ünïcode %20")
	copyFiles(t, "../frontend", filepath.Join(root, "frontend"), regexp.MustCompile(`^(src|public|index\.html|[a-z.]*\.(ts|js|json)|\.npmrc)`))
	copyFiles(t, ".", filepath.Join(root, "scripts"), regexp.MustCompile(`^frontend\.sh$`))
	if err := os.Symlink(modules, filepath.Join(root, "frontend/node_modules")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npx", "--no-install", "vite", "build", "--logLevel", "warn")
	cmd.Dir = filepath.Join(root, "frontend")
	cmd.Env = append(os.Environ(), "NODE_ENV=production", "PATH="+filepath.Join(modules, ".bin")+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("vite build: %v\n%.2000s", err, out)
	}
	if _, err := os.Stat(filepath.Join(root, "frontend/dist/index.html")); err != nil {
		t.Error(err)
	}
}

// copyFiles copies the files of a folder whose path below it matches.
func copyFiles(t *testing.T, from, to string, which *regexp.Regexp) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && !which.MatchString(rel) {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if !which.MatchString(rel) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The race detector needs cgo: every target that uses it turns it on.
func TestMake_RaceDetectorHasCgo(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-n", "test")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make -n test: %v\n%s", err, out)
	}
	found := false
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "go test -race") {
			found = true
			if !strings.Contains(line, "CGO_ENABLED=1 go test -race") {
				t.Errorf("fails where CGO_ENABLED=0: %s", line)
			}
		}
	}
	if !found {
		t.Errorf("make test runs no go test -race:\n%s", out)
	}
}

// On Windows the commands build, and newsfeed up says what it cannot do there.
func TestCommands_BuildForWindows(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", t.TempDir(), "./cmd/newsfeed")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS=windows", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
