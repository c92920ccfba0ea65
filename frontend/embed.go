package frontend

import (
	"embed"
	"io/fs"
)

// dist is what Vite builds. In a clone it holds nothing but .gitkeep, so that
// there is something to embed; Vite copies the same file from public.
//
//go:embed all:dist
var dist embed.FS

// placeholder is the page that stands in until the real one is built.
//
//go:embed placeholder
var placeholder embed.FS

// Site returns the files of the page: the built ones, or else those of a page
// that says how to build it.
func Site() (site fs.FS, built bool, err error) {
	if site, err = fs.Sub(dist, "dist"); err != nil {
		return nil, false, err
	}
	if _, err := fs.Stat(site, index); err == nil {
		return site, true, nil
	}
	site, err = fs.Sub(placeholder, "placeholder")
	return site, false, err
}
