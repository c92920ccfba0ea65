package bus

import "context"

// enter makes the consumer known in its group. Redis 7.0 does so by itself only
// once it has an entry to give: until then it would look as if nobody read. A user
// without the right is refused; that hinders no reading, so it is only tried again at
// the next sweep.
func (c *consumer) enter(ctx context.Context) error {
	if c.sweeper.entered {
		return nil
	}
	err := c.b.Do(ctx, "XGROUP", "CREATECONSUMER", c.stream, c.group, c.name).Err()
	if noGroup(err) {
		return err
	}
	c.sweeper.entered = err == nil
	return nil
}
