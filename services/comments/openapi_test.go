package comments

import (
	"testing"

	"newsfeed/internal/openapitest"
	"newsfeed/internal/service"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "comments", api{limits: &service.RateLimit{}}.routes)
}

func TestAnswersAreDocumented(t *testing.T) {
	openapitest.Members(t, "comments", map[string]any{
		"Comment": view{}, "CreatedComment": created{}, "NewToken": newToken{},
	})
}
