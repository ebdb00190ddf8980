package kernel

import (
	"context"
	"errors"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
)

// groupFrom is from how many links of one level on they are deleted as a
// group, by one message: the kernel then waits once for all that use them, and
// not for each (deleting 200 bridge ports takes half the time).
const groupFrom = 3

// gone are answers about a link that is not there any more: to who wants to
// delete it, that is as good as done. A VLAN goes with its parent, a veth with
// its peer.
var gone = []unix.Errno{unix.ENODEV, unix.ESRCH}

// encodeRemove deletes a link.
func encodeRemove(s *plan.Step, t *linkTable) (work, error) {
	l := t.byName[s.Object]
	if l == nil {
		return nil, nil // it went with its parent or peer
	}
	t.remove(l)
	del := send("remove", ifHeader{index: l.index}.encode().message(unix.RTM_DELLINK, 0), gone...)
	del.removes = l
	return wave(del), nil
}

// takeRemovals takes the deletions out of a level's works, if they are enough
// to be done as a group.
func (lv *level) takeRemovals() []job {
	var jobs []job
	for i, w := range lv.works {
		if len(w) == 1 && len(w[0]) == 1 && w[0][0].removes != nil {
			jobs = append(jobs, job{w[0][0], lv.start + i})
		}
	}
	if len(jobs) < groupFrom {
		return nil
	}
	for _, j := range jobs {
		lv.works[j.step-lv.start] = nil
	}
	return jobs
}

// removeAll deletes links as a group: each is put into a group that nobody
// uses, and the group is deleted. If that does not work the links that are
// left go back to their groups.
func (lv *level) removeAll(ctx context.Context, jobs []job) error {
	if len(jobs) == 0 {
		return nil
	}
	group := lv.links.freeGroup()
	for i, err := range lv.e.conn.pipeline(ctx, groupMessages(jobs, func(*link) uint32 { return group })) {
		if !isFine(err, &jobs[i]) {
			lv.ungroup(jobs)
			return lv.fail(jobs[i].step, lv.explain(ctx, &jobs[i], err))
		}
	}
	enc := ifHeader{}.encode()
	enc.u32(unix.IFLA_GROUP, group)
	err := lv.e.conn.pipeline(ctx, []netlink.Message{enc.message(unix.RTM_DELLINK, 0)})[0]
	if isFine(err, &jobs[0]) {
		return nil
	}
	lv.ungroup(jobs)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return lv.wave(ctx, jobs) // tells which one cannot be deleted
	}
	return lv.fail(jobs[0].step, lv.explain(ctx, &jobs[0], err))
}

// ungroup puts the links that are still there back into their own groups. It
// is done also when the context is over.
func (lv *level) ungroup(jobs []job) {
	ctx := context.Background()
	for i, err := range lv.e.conn.pipeline(ctx, groupMessages(jobs, func(l *link) uint32 { return l.group })) {
		if !isFine(err, &jobs[i]) {
			lv.e.log.Warn("link group not put back", "interface", jobs[i].removes.name, "err", err)
		}
	}
}

// groupMessages puts each link into a group.
func groupMessages(jobs []job, group func(*link) uint32) []netlink.Message {
	msgs := make([]netlink.Message, len(jobs))
	for i, j := range jobs {
		msgs[i] = setLink(j.removes.index, func(e *encoder) { e.u32(unix.IFLA_GROUP, group(j.removes)) })
	}
	return msgs
}
