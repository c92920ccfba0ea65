package web

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Set by the linker where programs are built to be shipped:
//
//	go build -ldflags "-X newsfeed/internal/web.version=1.2.3 -X newsfeed/internal/web.commit=…"
var version, commit string

// Version says which build this is, such as "1.2.3 (commit 0123abc, go1.26.0
// linux/amd64)". A build from a work tree that nobody gave a version has the one
// that the go command wrote into it.
func Version() string {
	v, c := Build()
	return fmt.Sprintf("%s (commit %s, %s %s/%s)", v, c, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// Build returns the version and the commit of this build, each "unknown" if it is.
func Build() (v, c string) {
	v, c = version, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && c == "" {
				c = s.Value
			}
		}
	}
	return orUnknown(v), orUnknown(c)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
