package main

// keptPages: what lets a page be given again.
func keptPages() []mutant {
	const cache = query + "cache.go"
	return []mutant{
		{"a page is kept while the follower is known to live", cache,
			`return age < maxStale`, `return true`,
			inQuery("TestStaleness/the_follower_hears_nothing")},
		{"the follower lives if the stream ends where it is", cache,
			`last == k.seen && `, ``,
			inQuery("TestStaleness/the_follower_hears_nothing")},
		{"a newer notice discards a page", cache,
			` || now.seen.After(page.version)`, ``,
			inQuery("TestStaleness/no_trouble")},
		{"what was read before a gap is not kept", cache,
			`page.epoch != now.epoch || `, ``,
			inQuery("TestAReadingOverAGapIsNotKept")},
		{"a reading that began too early is not shared", cache,
			`time.Since(page.begun) < maxStale && `, ``,
			inQuery("TestAReadingThatBeganTooEarly")},
		{"a client that knows of a notice gets no page without it", cache,
			`!least.After(page.version) && c.good(page)`, `c.good(page)`,
			inQuery("TestLastEventIDGoesAroundTheCache")},
	}
}
