package main

// edges: what is on the way in and out of a service.
func edges() []mutant {
	return []mutant{
		{"the address of a webhook is not logged", "services/moderator/webhook.go",
			`web.WithoutURL(err)`, `err`,
			tests("services/moderator", []string{"TestAnAddressIsNotLogged"})},
		{"the longest post fits", "services/posts/posts.go",
			`maxRequest = 256 << 10`, `maxRequest = 128 << 10`,
			tests("services/posts", []string{"TestTheLongestPostFits"})},
		{"an edit key that can be guessed is refused", "internal/web/secrets.go",
			`splitSecrets(string(text), MinKey)`, `splitSecrets(string(text), 1)`,
			append(tests("services/posts", []string{"TestConfig"}), tests("services/comments", []string{"TestConfig"})...)},
		{"up says where it serves the page", "cmd/newsfeed/services.go",
			`if s.name == pageName {`, `if s.name == pageName {
			continue`,
			tests("cmd/newsfeed", []string{"TestFindEachOther"})},
		{"what is passed over is counted from 0", "internal/bus/busprom/busprom.go",
			`range streams[own]`, `range streams[""]`,
			tests("internal/bus/busprom", []string{"TestSeriesBeginAtNothing"})},
		{"a list of posts goes on behind the deleted", "services/posts/store.go",
			`return posts, web.Cursor(last), nil`, `if len(posts) < page.Limit {
		last = bus.Member{}
	}
	return posts, web.Cursor(last), nil`,
			tests("services/posts", []string{"TestAListGoesOnBehindTheDeleted"})},
		{"a list of comments goes on behind the deleted", "services/comments/store.go",
			`return comments, web.Cursor(last), nil`, `if len(comments) < page.Limit {
		last = bus.Member{}
	}
	return comments, web.Cursor(last), nil`,
			tests("services/comments", []string{"TestAListGoesOnBehindTheDeleted"})},
		{"a deleted post takes comments behind the deleted", "services/comments/consume.go",
			` && more.IsZero()`, ` && (true || more.IsZero())`,
			tests("services/comments", []string{"TestADeletedPostTakesAllItsComments"})},
		{"each form of a comment has a tag of its own", "services/comments/http.go",
			`return web.WriteCached(w, r, c.public())`, `return web.WriteVersion(w, r, c.Version, c.public())`,
			tests("services/comments", []string{"TestEachFormOfACommentHasItsTag"})},
		{"a network of IPv6 has one share of the streams", "internal/web/network.go",
			`of(64, 1)`, `of(128, 1)`,
			tests("internal/web", []string{"TestStreamLimitOfANetwork"})},
		{"a wider network has a share", "internal/web/network.go",
			`of(56, 2), of(48, 4)`, `of(48, 4)`,
			tests("internal/web", []string{"TestWithConnections_NetworkHasShare", "TestShares_AnyAddresses_NetworksKeepToTheirShare"})},
		{"a body that does not come makes room", "internal/web/inservice.go",
			`b.place.awaitClient(b.begun.Add(`, `b.place.awaitClient(b.begun.Add(time.Hour + `,
			tests("internal/web", []string{"TestServe_SlowBodies_MakeRoom"})},
		{"a body that nobody reads ends the connection", "internal/web/inservice.go",
			`header.Set("Connection", "close")`, `_ = header`,
			tests("internal/web", []string{"TestServe_UnreadBody_ClosesConnection"})},
		{"a network of IPv6 is one author", "internal/service/authorkey.go",
			`web.ClientNet(r), web`, `web.ClientIP(r), web`,
			tests("services/comments", []string{"TestTheAuthorIsANetwork"})},
		{"the queue goes on behind the decided", "services/moderator/queue.go",
			`list, err = s.shown(ctx, comments)`, `if list, err = s.shown(ctx, comments); len(list) == 0 {
		last = bus.Member{}
	}`,
			tests("services/moderator", []string{"TestTheQueueGoesOnBehindTheDecided"})},
		{"rules are applied behind the deleted", "services/moderator/apply.go",
			`if after = last; `, `if after = last; len(comments) == 0 || `,
			tests("services/moderator", []string{"TestJudgeAgainGoesThroughAll"})},
	}
}
