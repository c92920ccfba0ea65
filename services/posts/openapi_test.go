package posts

import (
	"testing"

	"newsfeed/internal/openapitest"
	"newsfeed/internal/service"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "posts", api{limits: &service.RateLimit{}}.routes)
}
