package moderator

import (
	"testing"

	"newsfeed/internal/openapitest"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "moderator", api{}.routes)
}

func TestAnswersAreDocumented(t *testing.T) {
	openapitest.Members(t, "moderator", map[string]any{
		"HeldComment": held{}, "History": history{}, "Claim": claim{}, "Outcome": outcome{}, "Logged": logged{}, "Block": block{}, "Takedown": takedown{}, "Rules": rulesView{}, "Rule": Rule{}, "Tried": tried{},
	})
}
