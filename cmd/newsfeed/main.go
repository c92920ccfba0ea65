// Command newsfeed runs the whole newsfeed in one process, and carries the
// commands with which an operator or a learner looks at it:
//
//	newsfeed up      starts every service, and a Redis if there is none
//	newsfeed tail    shows the events as they happen
//	newsfeed streams, lag, pending, consumers, inspect, dead, pause, resume, doctor
//	newsfeed rebuild makes the view anew; verify compares it with the streams
//	newsfeed health  asks the services of newsfeed up whether they are ready
//	newsfeed token   makes tokens for moderators
//	newsfeed rules   checks the moderator's rules, and judges comments anew
//
// It ends with 0 after a clean stop, 2 if it was called or configured wrongly,
// 3 if it was to look for what is wrong and found something, and 1 for every
// other failure.
package main

import (
	"context"

	"newsfeed/internal/web"
)

func main() {
	web.Main(web.Program{Name: "newsfeed", Run: func(ctx context.Context, environ map[string]string) error {
		return newRoot(environ).ExecuteContext(ctx)
	}})
}
