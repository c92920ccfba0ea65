package main

// generations: the view can be made anew beside the one that is read, and
// verified.
func generations() []mutant {
	return []mutant{
		{"a write depends on the list of generations", query + "view.go",
			`, Guard: []bus.Guard{{Key: epochKey, Member: v.epoch}}`, `, Guard: nil`,
			inQuery("TestAReplicaThatKnowsAnOlderList")},
		{"the next generation is never behind the live one", query + "generations.go",
			`return []view{{number: r.Next.Number, epoch: r.Epoch, legacy: r.Next.Schema < 2}, live}`,
			`return []view{live, {number: r.Next.Number, epoch: r.Epoch, legacy: r.Next.Schema < 2}}`,
			inQuery("TestTheNextGenerationIsNeverBehind")},
		{"events wait for the newest release", query + "generations.go",
			`newest > s.schema`, `newest > s.schema+1`, inQuery("TestAnOlderReleaseLeavesEventsAlone")},
		{"clients are told of a swap", query + "rebuild.go",
			`r.note = replaced()`, ``, inQuery("TestASwapHasClientsReadAnew")},
		{"clients that come again are told of a swap", query + "stream.go",
			`if replacedIn(entries) {`, `if false {`, inQuery("TestASwapHasClientsReadAnew")},
		{"old generations are deleted", query + "rebuild.go",
			`if len(r.Gone) == 0 {`, `if true {`, inQuery("TestAnOlderViewIsMadeAnew")},
		{"a lost answer is no second change of the list", query + "generations.go",
			`r.Epoch == wrote`, `false`, inQuery("TestAChangeOfTheListWhoseAnswerIsLost")},
		{"one rebuild at a time", query + "lease.go",
			`"NX", "PX"`, `"PX"`, inQuery("TestOnlyOneRebuild")},
		{"verify sees what stands in the feed and should not", query + "strays.go",
			`if c.places[id] != member {`, `if false {`, inQuery("TestVerifyNamesWhatDiffers")},
		{"verify sees posts of which no event tells", query + "strays.go",
			`if _, known := c.places[id]; !known {`, `if false {`, inQuery("TestVerifyNamesWhatDiffers")},
		{"verify folds what came meanwhile", query + "verify.go",
			`c.suspects.apply(t)`, `_ = t`, inQuery("TestVerifyLooksAgain")},
	}
}
