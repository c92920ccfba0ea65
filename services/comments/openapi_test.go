package comments

import (
	"testing"

	"newsfeed/internal/openapitest"
	"newsfeed/internal/service"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "comments", api{limits: &service.RateLimit{}}.routes)
}
