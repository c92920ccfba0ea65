package bus

import "context"

// RangeBack is [Bus.Range] towards the beginning: up to n entries that come before
// the given id, newest first. [MaxID] starts at the end.
func (b *Bus) RangeBack(ctx context.Context, stream string, before ID, n int) ([]Entry, error) {
	from := "(" + before.String()
	if before == MaxID {
		from = "+"
	}
	messages, err := b.client.XRevRangeN(ctx, stream, from, "-", int64(n)).Result()
	if err != nil {
		return nil, Err("read "+stream, err)
	}
	return entriesOf(stream, messages), nil
}
