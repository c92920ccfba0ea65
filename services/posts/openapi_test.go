package posts

import (
	"testing"

	"newsfeed/internal/openapitest"
	"newsfeed/internal/service"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "posts", api{limits: &service.RateLimit{}}.routes)
}

func TestAnswersAreDocumented(t *testing.T) {
	openapitest.Members(t, "posts", map[string]any{
		"Post": Post{}, "CreatedPost": created{}, "NewToken": newToken{},
	}, "deleted")
}
