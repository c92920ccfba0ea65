package moderator

import (
	"testing"

	"newsfeed/internal/openapitest"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "moderator", api{}.routes)
}
