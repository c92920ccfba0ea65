package event_test

import (
	"time"

	"newsfeed/internal/event"
)

var noon = time.Date(2024, 5, 6, 12, 0, 0, 123456789, time.UTC)

// fullPayload returns a payload of typ in which every field is set.
func fullPayload(typ string) event.Payload {
	comment := event.Comment{
		PostID: "9f2b", ID: "c3a1", Content: new("nice & <b>"), Author: new("Ann"), AuthorKey: new("k1"),
		AuthorKeys: []string{"k0"}, NetworkKey: new("n1"), NetworkKeys: []string{"n0"},
		Status: new(event.Pending), Reason: new("new author"), Note: new("please wait"),
		CreatedAt: new(noon), Version: new(int64(1)),
	}
	switch typ {
	case event.TypePostCreated, event.TypePostUpdated:
		return event.Post{
			ID: "9f2b", Title: new("Hello"), Body: new("*World*"), Author: new("Ann"),
			CreatedAt: new(noon), Version: new(int64(1)),
		}
	case event.TypePostDeleted:
		return event.PostDeleted{ID: "9f2b", Version: new(int64(2))}
	case event.TypeCommentCreated, event.TypeCommentEdited:
		return comment
	case event.TypeCommentUpdated:
		comment.Status = new(event.Approved)
		return comment
	case event.TypeCommentModerated:
		return event.CommentModerated{
			PostID: "9f2b", ID: "c3a1", Content: new("nice"), Status: new(event.Flagged),
			Reason: new("two links"), Note: new("please wait"), Rule: new("links"), Moderator: new("rules"),
			Version: new(int64(1)), Decision: new(int64(1)),
		}
	case event.TypeCommentDeleted:
		return event.CommentDeleted{PostID: "9f2b", ID: "c3a1", Version: new(int64(3))}
	case event.TypePostTakenDown:
		return event.PostTakenDown{ID: "9f2b", Reason: new("spam"), Note: new("please read the rules"), Moderator: new("ann")}
	case event.TypeBlockAdded, event.TypeBlockRemoved:
		return event.Block{
			PostID: "9f2b", CommentID: new("c3a1"), ID: "b7d2", AuthorKey: new("k1"), NetworkKey: new("n1"),
			Then: new("reject"), Reason: new("keeps at it"), Moderator: new("ann"), Until: new(noon),
		}
	}
	panic("no payload for " + typ)
}
