package main

// listedWords: what a listed word is found in, and what it does there.
func listedWords() []mutant {
	return []mutant{
		{"a match inside a run of characters is not certain", "services/moderator/entry.go",
			`return true, e.firm || min(start, end) == edgeHard`, `return true, true`,
			inModerator("TestWords_ByScript")},
		{"one character must be a whole run", "services/moderator/entry.go",
			`case e.single && min(start, end) < edgeSoft:`, `case false:`,
			inModerator("TestWords_ByScript")},
		{"a word ends where the script changes", "services/moderator/reading.go",
			`case left && right:
		return edgeSoft
	}
	return edgeHard`, `case left && right:
		return edgeSoft
	}
	return edgeNone`,
			inModerator("TestWords_ByScript")},
		{"a capital I is the capital of ı too", "services/moderator/text.go",
			`strings.ReplaceAll(cleaned, "I", string(capitalI))`, `cleaned`,
			inModerator("TestWords_ByScript")},
		{"a doubtful match does not reject", "services/moderator/match.go",
			`return m.holdOnly() && r.Then != thenHold`, `return false`,
			inModerator("TestDecide_DoubtfulMatch")},
		{"a title that turns the direction of writing round is refused", "internal/web/visible.go",
			`case lro, rlo:`, `case lro:`,
			tests("internal/web", []string{"TestLine_FormatCharacters"})},
	}
}
