package main

import "slices"

// table lists what is taken out, and the tests that must notice. Old texts are
// as short as they can be, so that they outlive changes to the source beside them.
func table() []mutant {
	return slices.Concat(handling(), pausing(), recovery(), groups(), writes(), fold(), foreign(), generations(), keptPages(), edges(), listedWords())
}

func inBus(names ...string) []test   { return tests("internal/bus", names) }
func inQuery(names ...string) []test { return tests("services/query", names) }

func inPosts(names ...string) []test     { return tests("services/posts", names) }
func inComments(names ...string) []test  { return tests("services/comments", names) }
func inModerator(names ...string) []test { return tests("services/moderator", names) }

func tests(pkg string, names []string) []test {
	list := make([]test, len(names))
	for i, name := range names {
		list[i] = test{pkg, name}
	}
	return list
}

const (
	lanes  = "internal/bus/lanes.go"
	reader = "internal/bus/reader.go"
	sweep  = "internal/bus/sweep.go"
	lua    = "internal/bus/lua/"
	query  = "services/query/"
)

// handling: what becomes of an entry whose handler fails.
func handling() []mutant {
	return []mutant{
		{"an error is tried again", lanes,
			`return c.park(l, &t.retries, c.b.opt.Retry.First, c.b.opt.Retry.Max, 3)`, `return c.finish(l, t, false)`,
			inBus("TestTriesAgainAfterAnError/redis", "TestTriesAgainAfterAnError/miniredis")},
		{"an error does not kill an entry at once", lanes,
			`t.attempts >= c.b.opt.Retry.Attempts`, `true`,
			inBus("TestTriesAgainAfterAnError/redis")},
		{"attempts are bounded", lanes,
			`|| t.attempts >= c.b.opt.Retry.Attempts`, ``,
			inBus("TestDeadLettersAndRedrive/redis", "TestDeadLettersAndRedrive/miniredis")},
		{"a permanent error is not tried again", lanes,
			`errors.As(err, &permanent) ||`, `errors.As(err, &permanent) && false ||`,
			inBus("TestDeadAtOnce/redis")},
		{"an entry that does not decode never reaches the handler", lanes,
			`t.dead, t.parsed = err, true`, `t.dead, t.parsed = nil, err == nil || true`,
			inBus("TestDeadAtOnce/redis")},
		{"a panic of the handler is a failure of the entry", lanes,
			`err = fmt.Errorf("the handler panicked: %v", p)`, `_ = fmt.Errorf("the handler panicked: %v", p)`,
			inBus("TestAHandlerThatPanics")},
		{"malformed data is not tried again", lanes,
			`if !errors.Is(err, event.ErrMalformed) {`, `if true {`,
			inBus("TestDeadAtOnce/redis")},
		{"what is given up becomes a dead letter", lanes,
			`if err := c.bury(ctx, t); err != nil {`, `if err := ctx.Err(); err != nil {`,
			inBus("TestDeadLettersAndRedrive/redis", "TestDeadAtOnce/redis")},
		{"burying again changes nothing", lua + "bury.lua",
			`HSETNX`, `HSET`,
			inBus("TestBuryingAgainChangesNothing")},
		{"a redriven letter is gone from the dead", lua + "redrive.lua",
			`redis.call('HDEL', KEYS[1], ARGV[1])`, ``,
			inBus("TestDeadLettersAndRedrive/redis", "TestDeadLettersAndRedrive/miniredis")},
		{"only the group that failed sees a redriven entry", "internal/bus/dead.go",
			`RedriveStream(id.Group)}`, `id.Stream}`,
			inBus("TestDeadLettersAndRedrive/redis")},
		{"a redriven entry leaves the redrive stream", "internal/bus/acks.go",
			`p.XDel(ctx, c.stream, args...)`, ``,
			inBus("TestDeadLettersAndRedrive/redis")},
		{"an unknown type is acknowledged and counted", lanes,
			`case errors.Is(err, event.ErrUnknownType):`, `case false:`,
			inBus("TestUnknownTypesAreAcknowledgedAndCounted")},
		{"not yet is no attempt", lanes,
			`case errors.As(err, &notYet):`, `case errors.As(err, &notYet) && false:`,
			inBus("TestNotYetIsNoAttempt")},
		{"a lane that waits has no worker", lanes,
			`l.timer = time.AfterFunc((*delay).NextBackOff(), func() {`,
			`c.mu.Unlock()
	time.Sleep((*delay).NextBackOff())
	c.mu.Lock()
	if !c.stopped {
		return true
	}
	l.timer = time.AfterFunc((*delay).NextBackOff(), func() {`,
			inBus("TestAWaitingLaneHoldsUpNoOther")},
		{"a lane for each subject: none waits for another", lanes,
			`return subject
`, `return "one for all"
`,
			inBus("TestDeadLettersAndRedrive/redis", "TestAWaitingLaneHoldsUpNoOther", "TestAPoisonAmongMany")},
		{"one lane for a subject: its order is kept", lanes,
			`return subject
`, `return t.message.ID
`,
			inBus("TestKeepsTheOrderOfASubject")},
		{"errors of the infrastructure count for nothing", lanes,
			`case Unavailable(err) || cutOff(err):`, `case false:`,
			inBus("TestInfrastructureErrorsAreNotCounted")},
		{"nor do the client's own errors", lanes,
			`case Unavailable(err) || cutOff(err):`, `case Unavailable(err):`,
			inBus("TestInfrastructureErrorsAreNotCounted")},
		{"a full Redis is the infrastructure's doing", "internal/bus/errors.go",
			`"OOM", `, ``,
			inBus("TestInfrastructureErrorsAreNotCounted")},
		{"many different failures put the brake on", lanes,
			`if c.brake.failed(t.ack) {`, `if c.brake.failed(t.ack) && false {`,
			inBus("TestTheBrake/error", "TestTheBrake/permanent", "TestABadDeployAndTheNext")},
		{"a braked consumer tries one now and then", reader,
			`if c.brake.on() {`, `if false {`,
			inBus("TestTheBrakeTakesOneNowAndThen/full")},
		{"a probe takes one new entry, not a batch", reader,
			`return 1, 0`, `return c.b.opt.Batch, 0`,
			inBus("TestTheBrakeTakesOneNowAndThen/room")},
		{"the brake takes new entries only where there is room", reader,
			`nextHeld(c.hand.room() > 0)`, `nextHeld(true)`,
			inBus("TestTheBrakeTakesOneNowAndThen/full")},
		{"the brake keeps tasks from beginning", lanes,
			`!c.brake.admit()`, `false`,
			inBus("TestTheBrake/error")},
		{"a success releases the brake", lanes,
			`if success && c.brake.succeeded() {`, `if success && c.brake.succeeded() && false {`,
			inBus("TestTheBrake/error")},
	}
}

// pausing: what an operator's word holds.
func pausing() []mutant {
	return []mutant{
		{"a verdict ends the waiting for the infrastructure", "internal/bus/brake.go",
			`if c.brake.on() && !c.brake.mixed {`, `if false {`,
			inBus("TestAFaultOfAnEntryEndsTheWaiting")},
		{"what fails while the brake is on is seen", lanes,
			`	c.observeTask(Retried, t, err)`, `	if !c.brake.on() { c.observeTask(Retried, t, err) }`,
			inBus("TestProbesThatFailAreSeen")},
		{"large entries are bounded by their bytes", "internal/bus/hand.go",
			`(h.bytes-h.held)/max(1, h.typical)`, `h.entries`,
			inBus("TestTheBytesInHandAreBounded")},
		{"a read of a Redis that hangs ends", reader,
			`block+2*time.Second`, `block+20*time.Second`,
			inBus("TestStopsInTimeThoughRedisHangs")},
		{"a paused group begins nothing that is in hand", lanes,
			`c.resting || `, ``,
			inBus("TestPause/redis", "TestPause/miniredis")},
		{"a paused group takes nothing new", reader,
			`if c.resting {`, `if false {`,
			inBus("TestPause/redis", "TestPause/miniredis")},
		{"what a paused group had in hand goes on when it is resumed", "internal/bus/pause.go",
			`c.enqueue(l)`, `_ = l`,
			inBus("TestPauseHoldsWhatIsInHand")},
	}
}

// recovery: what others left, and what never arrived.
func recovery() []mutant {
	return []mutant{
		{"an entry is pending until its handler has returned", reader,
			`Block: block,`, `Block: block, NoAck: true,`,
			inBus("TestTheDeadAreInheritedFrom")},
		{"the work of the dead is taken over", sweep,
			`return c.visitOthers(ctx)`, `return nil`,
			inBus("TestTheDeadAreInheritedFrom")},
		{"a lost reply to a read is made good", sweep,
			`if err := c.takeUp(ctx, c.name); err != nil {`, `if err := error(nil); err != nil {`,
			inBus("TestLostReplyOfARead", "TestEntriesTrimmedWhilePendingAreReported")},
		{"the living show that they are", "internal/bus/alive.go",
			`sleep(ctx, l.b.opt.Alive/3)`, `sleep(ctx, time.Hour)`,
			inBus("TestTheSlowAreNotRobbed")},
		{"the claim itself looks for a sign of life", lua + "claim.lua",
			`redis.call('EXISTS', KEYS[2]) == 1`, `false`,
			inBus("TestTheClaimLooksForItself")},
		{"the claim itself looks whose the entry is", lua + "claim.lua",
			`pending and pending[2] == owner`, `pending`,
			inBus("TestTheClaimLooksForItself")},
		{"one missing sign is not death", sweep,
			`if !ok || time.Since(since) < c.b.opt.Alive/3 {`, `if false {`,
			inBus("TestOneMissingSignIsNotDeath")},
		{"what was trimmed while pending is told of", lua + "claim.lua",
			`lost[#lost + 1] = id`, ``,
			inBus("TestEntriesTrimmedWhilePendingAreReported")},
		{"what was trimmed while pending does not stay pending", lua + "claim.lua",
			`redis.call('XACK', stream, group, id)`, ``,
			inBus("TestEntriesTrimmedWhilePendingAreReported")},
		{"an entry that kills its reader is counted out", lanes,
			`t.deliveries > c.b.opt.MaxDeliveries`, `false`,
			inBus("TestAnEntryThatKillsItsReader")},
		{"suspects need no moment without traffic", sweep,
			`!c.hand.has(c.sweeper.suspect)`, `c.hand.len() == 0`,
			inBus("TestSuspectsHaveTheirTurnUnderLoad")},
		{"suspects are taken up one after the other", sweep,
			`!c.hand.has(c.sweeper.suspect)`, `true`,
			inBus("TestSuspectsAreTakenUpAlone")},
		{"suspects are taken up alone", sweep,
			`case p.RetryCount >= suspectAfter:`, `case false:`,
			inBus("TestSuspectsAreTakenUpAlone")},
		{"who reads is known before the first entry", "internal/bus/enter.go",
			`if c.sweeper.entered {`, `if true {`,
			inBus("TestIsKnownBeforeItsFirstEntry/redis", "TestIsKnownBeforeItsFirstEntry/memory")},
		{"a Redis that notes no names is read all the same", "internal/bus/enter.go",
			`if noGroup(err) {`, `if err != nil {`,
			inBus("TestReadsWhereItCannotBeKnown")},
		{"a consumer with entries pending is not deleted", lua + "retire.lua",
			`if info.pending > 0 then`, `if false then`,
			inBus("TestAConsumerWithPendingEntriesStays")},
		{"a consumer that lives is not deleted", lua + "retire.lua",
			`if redis.call('EXISTS', KEYS[2]) == 1 then`, `if false then`,
			inBus("TestAConsumerWithPendingEntriesStays")},
		{"what was read last is worked off", "internal/bus/consume.go",
			`c.workOff(c.b.opt.Drain / 4)`, ``,
			inBus("TestStoppingInTrafficLeavesNothing")},
		{"who stops leaves no name", "internal/bus/consume.go",
			`b.leave(parting, consumers)`, `_ = parting`,
			inBus("TestWhoStopsLeavesNoName/redis", "TestWhoStopsLeavesNoName/memory")},
	}
}

// groups: reading at all, together, and until told to stop.
func groups() []mutant {
	return []mutant{
		{"the entries in hand are bounded", "internal/bus/hand.go",
			`min(h.entries-len(h.sizes), (`, `min(h.entries, (`,
			inBus("TestTheEntriesInHandAreBounded")},
		{"a group that has vanished is made again", reader,
			`if noGroup(err) {`, `if noGroup(err) && !trouble.hadGroup {`,
			inBus("TestStreamAndGroupVanish/FLUSHALL", "TestStreamAndGroupVanish/XGROUP_DESTROY", "TestStreamAndGroupVanish/DEL")},
		{"a group is made at the beginning of its stream", reader,
			`c.group, "0", "MKSTREAM").Err()`, `c.group, "$", "MKSTREAM").Err()`,
			inBus("TestHandsOutEveryEntryOnce/redis", "TestStreamAndGroupVanish/XGROUP_DESTROY")},
		{"a group that was never there has not vanished", reader,
			`if trouble.hadGroup {`, `if true {`,
			inBus("TestStreamAndGroupVanish/FLUSHALL")},
		{"replicas share one group", "internal/bus/consume.go",
			`group: s.Group, name`, `group: s.Group + s.Consumer, name`,
			inBus("TestTwoReplicasShare")},
		{"an outage does not end the reader", reader,
			`c.readFailed(ctx, trouble, err)
			continue
		}
		trouble.over()`, `return
		}
		trouble.over()`,
			inBus("TestRedisAwayAndBack")},
		{"an acknowledgement that failed is sent again", "internal/bus/acks.go",
			`c.putBack(ids)`, ``,
			inBus("TestRedisAwayAndBack")},
		{"one line in the log for an outage", reader,
			`t.since = time.Now()`, ``,
			inBus("TestRedisAwayAndBack")},
		{"acknowledgements travel together", "internal/bus/acks.go",
			`c.gatherAcks(ctx)`, ``,
			inBus("TestAcknowledgementsTravelTogether")},
		{"acknowledgements hold up no reader", "internal/bus/acks.go",
			`if n == 0 || n >= c.enoughAcks() {`, `if n == 0 {`,
			inBus("TestAcknowledgementsHoldUpNoReader")},
		{"a service's own entries are passed over", lanes,
			`if c.passOver(t) {`, `if false {`,
			inBus("TestOwnEntriesAreAcknowledgedAndNotHandled/redis", "TestOwnEntriesAreNoProbe")},
		{"own entries do not wait for the brake", "internal/bus/own.go",
			`c.brake.again()`, ``,
			inBus("TestOwnEntriesAreNoProbe")},
		{"stopping waits for the handlers that run", "internal/bus/consume.go",
			`c.workers.Wait()`, ``,
			inBus("TestStopsInTimeAndAcknowledgesWhatRan")},
		{"stopping acknowledges what ran", "internal/bus/consume.go",
			`c.flushAcks(lasting)`, ``,
			inBus("TestStopsInTimeAndAcknowledgesWhatRan")},
		{"a read that waits does not hold up the stop", reader,
			`min(c.b.opt.Block, time.Until(c.sweeper.next))`, `20*time.Second`,
			inBus("TestStopsInTimeAndAcknowledgesWhatRan")},
		{"who stops signs off", "internal/bus/alive.go",
			`l.signOff(context.WithoutCancel(ctx))`, ``,
			inBus("TestStopsInTimeAndAcknowledgesWhatRan")},
		{"a handler that does not end is cancelled in time", "internal/bus/consume.go",
			`sleep(handlerCtx, c.b.opt.Drain)`, `sleep(handlerCtx, time.Hour)`,
			inBus("TestStopsInTimeThoughAHandlerHangs")},
	}
}

// writes: state and event as one, once.
func writes() []mutant {
	return []mutant{
		{"a write is recognised by its event", lua + "commit.lua",
			`if now and event and `, `if false and `,
			inBus("TestLostReplyOfAWrite/single", "TestLostReplyOfAWrite/cluster", "TestCommitWritesAllOrNothing")},
		{"what was published is remembered", "internal/bus/commit.go",
			`repeatWindow = 24 * time.Hour`, `repeatWindow = time.Millisecond`,
			inBus("TestLostReplyOfAWrite/single", "TestLostReplyOfAWrite/cluster")},
		{"a document is replaced only as it was read", lua + "commit.lua",
			`w == 0 or redis.sha1hex(now) ~= `, `false and `,
			inBus("TestCommitWritesAllOrNothing", "TestCommitsTogether")},
		{"everything is checked before the first write", lua + "commit.lua",
			`return t ~= want and t ~= 'none'`, `return false`,
			inBus("TestCommitChecksEveryKeyFirst/zset", "TestCommitChecksEveryKeyFirst/set")},
		{"a guard that does not hold stops the write", lua + "commit.lua",
			`if there ~= (`, `if false and (`,
			inBus("TestCommitWritesAllOrNothing")},
		{"a once keeps a second change from being made", lua + "commit.lua",
			`if seen then`, `if false then`,
			inBus("TestCommitOnce")},
		{"each caller has its own answer", "internal/bus/group.go",
			`replies[2*i], replies[2*i+1]`, `replies[0*i], replies[1]`,
			inBus("TestCommitsTogether")},
		{"concurrent changes share calls", "internal/bus/group.go",
			`len(batch) < maxBatch &&`, `len(batch) < 1 &&`,
			inBus("TestCommitsTogether", "TestCloseSendsWhatWaits")},
		{"a caller who was alone hands over to those who came meanwhile", "internal/bus/group.go",
			`if batch := g.next(l, nil); len(batch) > 0 {`, `if batch := g.next(l, nil); false {`,
			inBus("TestCloseSendsWhatWaits")},
		{"one call at a time is under way in a slot", "internal/bus/group.go",
			`l.busy = true`, `l.busy = false`,
			inBus("TestCloseSendsWhatWaits", "TestTooManyChangesWait")},
		{"new texts leave a reserve of memory", "internal/bus/memory.go",
			`m.Used >= m.Max/100*reservePercent`, `false`,
			inBus("TestCommit_MemoryScarce_ByPriority")},
		{"a process admits little new text between two readings of the memory", "internal/bus/memory.go",
			`m.texts+bytes > m.last.Max/100*textPercent`, `false`,
			inBus("TestCommit_NewText_BoundedBetweenReadings")},
		{"essential changes go beyond the limit, and the others do not", "internal/bus/group.go",
			`p.change.Priority == Essential`, `true`,
			inBus("TestCommit_MemoryScarce_ByPriority", "TestCommit_RedisFull_BatchIsSplit")},
		{"there is a limit beyond the limit", "internal/bus/memory.go",
			`m.last.Used+m.beyond+bytes > m.last.Max+overdraft`, `false`,
			inBus("TestCommit_MemoryScarce_ByPriority")},
	}
}

// fold: the view has one outcome in every order.
func fold() []mutant {
	converges := inQuery("TestTheViewConverges", "TestTheViewConvergesUnderConcurrency")
	return []mutant{
		{"the highest entry wins, not the last to arrive", query + "fold.go",
			`at.After(r.Entry)`, `true`, converges},
		{"creation is the smallest time given", "internal/event/creation.go",
			`given.Before(c.At)`, `true`, converges},
		{"a time given beats an entry's", "internal/event/creation.go",
			`case given == nil && !c.Given && `, `case given == nil && `, converges},
		{"a deleted post stays deleted", query + "fold.go",
			`if p.Deleted {`, `if false {`, converges},
		{"a deleted comment stays deleted", query + "fold.go",
			`if c.Deleted {`, `if false {`, converges},
		{"only the owner numbers versions", query + "fold.go",
			`if e.Foreign() {`, `if false {`, inQuery("TestTheFold")},
		{"what is no longer approved does not count", query + "view.go",
			`if from != (place{}) {`, `if false {`, converges},
		{"what moves in the feed leaves its old place", query + "store.go",
			`if was {`, `if false {`, converges},
		{"a fold that lost a race is done anew", query + "store.go",
			`if !lost {`, `if lost = false; !lost {`, converges},
	}
}
