package comments

import "testing"

// Names that show nothing, or hide what they are, are refused, and so is a comment
// that shows nothing. What a comment hides is for the moderator to judge.
func TestValidate_HiddenCharacters(t *testing.T) {
	for _, tt := range []struct {
		content, author string
		ok              bool
	}{
		{"fine", "", true}, {"rac\u00adism \u202emsicar", "می\u200cشود", true}, {"\u200b\u2060", "", false}, {"\u3164\n\u2800", "", false},
		{"fine", "\u200b", false}, {"fine", "Ann\u202e", false}, {"fine", "\u2066Ann", false}, {"fine", "A\u200bnn", false},
	} {
		if err := (&newComment{Content: tt.content, Author: tt.author}).Validate(); (err == nil) != tt.ok {
			t.Errorf("new comment %+q of %+q: %v, want accepted %t", tt.content, tt.author, err, tt.ok)
		}
		if err := (&edit{Content: new(tt.content), Author: new(tt.author)}).Validate(); (err == nil) != tt.ok {
			t.Errorf("edit to %+q of %+q: %v, want accepted %t", tt.content, tt.author, err, tt.ok)
		}
	}
}
