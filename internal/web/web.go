// Package web is what every service's HTTP side has in common: it decodes
// requests strictly, answers every error with a problem document (RFC 9457),
// pages and tags answers, checks tokens, reads the configuration, and serves
// until it is told to stop.
//
// A handler returns its error and wraps one of the sentinels of this package
// when the caller is to know what is wrong:
//
//	return fmt.Errorf("%w: post %s", web.ErrNotFound, id)
//
// What stands after the sentinel is shown to the caller. Every other error is
// logged whole and answered as a plain 500.
package web
