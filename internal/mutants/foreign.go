package main

const (
	comments  = "services/comments/"
	posts     = "services/posts/"
	moderator = "services/moderator/"
)

// foreign: owners make of what others write what readers of their streams do.
func foreign() []mutant {
	const agrees = "TestTheOwnerAgreesWithItsReaders"
	return []mutant{
		{"a foreign deletion of a comment is final however late", comments + "comments.go",
			`return c.deleted(), c.Version > 0`, `return c.deleted(), c.Version > 0 && e.ID.After(last)`,
			inComments("TestAForeignDeletionIsFinal", agrees)},
		{"a foreign deletion of a post is final however late", posts + "posts.go",
			`return p.deleted(), true`, `return p.deleted(), e.ID.After(last)`,
			inPosts("TestAForeignDeletionIsFinal", agrees)},
		{"what was overtaken changes no comment", comments + "comments.go",
			`news := e.ID.After(last)`, `news := true`, inComments(agrees)},
		{"what was overtaken changes no post", posts + "posts.go",
			`news := e.ID.After(last)`, `news := true`, inPosts(agrees)},
		{"a document is as of the latest entry", "internal/bus/commit.go",
			`if c.Want.Entry.After(c.Adopted.ID) {`, `if false {`,
			inBus("TestCommitAdopts")},
		{"an adopted entry is known by its place", "internal/bus/encode.go",
			`c.Adopted.place()`, `c.Adopted.Event.ID`,
			append(inBus("TestCommitAdopts"), inComments("TestAForeignDeletionIsFinalWhateverItsID")...)},
		{"a deletion under another post deletes nothing", comments + "comments.go",
			`c.Version > 0 && payload.PostKey() != c.PostID`, `false`,
			inComments("TestAForeignDeletionUnderAnotherPost", agrees)},
		{"nor is it a word for the moderator", moderator + "moderator.go",
			`case e.Event.Foreign() && (`, `case e.Event.Foreign() && false && (`,
			inModerator("TestAnotherPost")},
		{"a comment deleted before it was heard of stays away", comments + "store.go",
			`{Key: unheard, Member: unheardOf(next.PostID, id), Absent: true},`, ``,
			inComments("TestAForeignDeletionUnderAnotherPost", agrees)},
		{"a foreign comment goes with its post", comments + "consume.go",
			`if err != nil || !gone {`, `if err != nil || !gone || true {`,
			inComments("TestForeignCommentsOfADeletedPost", "TestForeignCommentsWhileTheirPostIsDeleted", agrees)},
		{"the end of a post is noted before its comments are listed", comments + "consume.go",
			`if err := c.store.postDeleted(ctx, post); err != nil {
		return err
	}
`, `defer func() { _ = c.store.postDeleted(ctx, post) }()
`,
			inComments("TestForeignCommentsWhileTheirPostIsDeleted")},
		{"a foreign verdict numbers nothing", comments + "comments.go",
			`m.Version, m.Decision = nil, nil`, `_ = m`,
			inComments("TestJudged", "TestForeignVerdictsNumberNothing")},
		{"what has strayed is not believed", "internal/bus/entry.go",
			`err == nil && e.Stream != `, `false && e.Stream != `,
			append(append(inBus("TestEntryDecode"), inComments("TestStraysAreIgnored")...), inQuery("TestStrayEventsAreInNoView")...)},
		{"what moves in the list of comments leaves its old place", comments + "store.go",
			`now.listed() && (moved || next.Deleted)`, `now.listed() && next.Deleted`,
			inComments("TestWhenAForeignCommentWasCreated", agrees)},
		{"what moves in the list of posts leaves its old place", posts + "store.go",
			`now.listed() && (moved || next.Deleted)`, `now.listed() && next.Deleted`,
			inPosts(agrees)},
		{"a post remembers that nobody said when it was made", posts + "store.go",
			`json.Marshal(stored{next, next.Undated, next.Takedown})`, `json.Marshal(stored{next, false, next.Takedown})`,
			inPosts(agrees)},
	}
}
