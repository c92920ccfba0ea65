package query

import (
	"testing"

	"newsfeed/internal/openapitest"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "query", api{live: &live{}}.routes)
}

func TestAnswersAreDocumented(t *testing.T) {
	openapitest.Members(t, "query", map[string]any{
		"Post": postView{}, "Comment": commentView{}, "DeletedPost": deletedPost{}, "CommentChange": commentChange{}, "DeletedComment": deletedComment{},
	})
}
