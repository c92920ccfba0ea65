package eventbus

import (
	"testing"

	"newsfeed/internal/bus"
	"newsfeed/internal/openapitest"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "eventbus", api{}.routes)
}

func TestAnswersAreDocumented(t *testing.T) {
	openapitest.Members(t, "eventbus", map[string]any{
		"DeadLetter": deadLetter{}, "Stream": StreamState{}, "Group": GroupState{}, "Consumer": ConsumerState{}, "Pause": bus.Pause{},
		"PushState": PushState{},
	})
}
