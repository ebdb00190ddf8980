package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/plan"
)

// A task is one thing that a step does: a netlink message, or a call of
// something else where call is set.
type task struct {
	// op says what is tried, for errors.
	op string
	// msg is sent to the kernel.
	msg netlink.Message
	// call is done in place of sending msg.
	call func(ctx context.Context, e *Engine) error
	// fine are refusals that mean that it is so already.
	fine []unix.Errno
	// creates are the links that msg makes, under chosen numbers.
	creates []*link
	// removes is the link that msg deletes.
	removes *link
	// mayBeThere is set for a route that may be there already, or one like it.
	mayBeThere bool
	// awaits is an address that must have passed duplicate detection for msg
	// to be taken; the zero address for most.
	awaits netip.Addr
}

// work is what one step does, in waves: the tasks of one wave need no answer
// of each other, those of the next wave are sent when all of this one are
// acknowledged. A nil work does nothing.
type work [][]task

// wave makes a work of one wave.
func wave(tasks ...task) work { return work{tasks} }

// then adds a wave.
func (w work) then(tasks ...task) work {
	if len(tasks) == 0 {
		return w
	}
	return append(w, tasks)
}

// send makes a task of a message.
func send(op string, msg netlink.Message, fine ...unix.Errno) task {
	return task{op: op, msg: msg, fine: fine}
}

// An encodeStep turns a step into work. It is pure but for the table, into
// which it enters what the work will change.
type encodeStep func(s *plan.Step, t *linkTable) (work, error)

// encoders is the one place that knows every verb.
var encoders = map[plan.Verb]encodeStep{
	plan.CreateLink:    encodeCreate,
	plan.ChangeLink:    encodeChange,
	plan.RemoveLink:    encodeRemove,
	plan.SetUp:         encodeUp,
	plan.SetDown:       encodeDown,
	plan.Attach:        encodeAttach,
	plan.Detach:        encodeDetach,
	plan.ChangePort:    encodePort,
	plan.ChangeVLANs:   encodeVLANs,
	plan.ChangeIP:      encodeIP,
	plan.AddAddress:    encodeAddAddress,
	plan.RemoveAddress: encodeRemoveAddress,
	plan.AddRoute:      encodeAddRoute,
	plan.RemoveRoute:   encodeRemoveRoute,
	plan.ReplaceRoute:  encodeReplaceRoute,
	plan.AddRule:       encodeAddRule,
	plan.RemoveRule:    encodeRemoveRule,
	plan.AddName:       encodeAddName,
	plan.RemoveName:    encodeRemoveName,
	plan.Describe:      encodeDescribe,
	plan.SetDNS:        encodeDNS,
	plan.SetHostname:   encodeHostname,
}

// encode turns a step into work.
func encode(s *plan.Step, t *linkTable) (work, error) {
	enc := encoders[s.Verb]
	if enc == nil {
		return nil, &engine.Error{
			Op: string(s.Verb), Object: s.Object, Kind: engine.Internal,
			Err: fmt.Errorf("internal error: unknown verb %q", s.Verb),
		}
	}
	w, err := enc(s, t)
	if err != nil {
		return nil, newOpError(string(s.Verb), s.Object, err)
	}
	return w, nil
}

// A job is a task of a step of the plan.
type job struct {
	task
	step int
}

// A level is the steps of one level under way.
type level struct {
	*run
	start int
	works []work
}

// level carries out the steps from start to end.
func (r *run) level(ctx context.Context, start, end int) error {
	lv := &level{run: r, start: start}
	for i := start; i < end; i++ {
		w, err := encode(&r.plan.Steps[i], r.links)
		if err != nil {
			return r.fail(i, err)
		}
		r.e.conn.ageing.expect(&r.plan.Steps[i])
		lv.works = append(lv.works, w)
	}
	removals := lv.takeRemovals()
	for n := range lv.waves() {
		if err := lv.wave(ctx, lv.jobs(n)); err != nil {
			return err
		}
	}
	if err := lv.removeAll(ctx, removals); err != nil {
		return err
	}
	r.tell(start, end)
	return nil
}

// waves is how many waves the longest work has.
func (lv *level) waves() int {
	n := 0
	for _, w := range lv.works {
		n = max(n, len(w))
	}
	return n
}

// jobs gives the tasks of the nth wave of all works.
func (lv *level) jobs(n int) []job {
	var jobs []job
	for i, w := range lv.works {
		if n < len(w) {
			for _, t := range w[n] {
				jobs = append(jobs, job{t, lv.start + i})
			}
		}
	}
	return jobs
}

// wave sends the messages of all jobs together, and then does the calls.
func (lv *level) wave(ctx context.Context, jobs []job) error {
	var sent []job
	var msgs []netlink.Message
	for _, j := range jobs {
		if j.call == nil {
			sent, msgs = append(sent, j), append(msgs, j.msg)
		}
	}
	for i, err := range lv.e.conn.pipeline(ctx, msgs) {
		if err = lv.settle(ctx, &sent[i], err); err != nil {
			return lv.fail(sent[i].step, lv.explain(ctx, &sent[i], err))
		}
	}
	for i := range jobs {
		if jobs[i].call == nil {
			continue
		}
		if err := jobs[i].call(ctx, lv.e); err != nil {
			return lv.fail(jobs[i].step, lv.explain(ctx, &jobs[i], err))
		}
	}
	return nil
}

// settle gives what an answer means in the end: nil also for a refusal that is
// fine, and for one that was overcome by trying again.
func (lv *level) settle(ctx context.Context, j *job, err error) error {
	switch {
	case isFine(err, j):
		return nil
	case len(j.creates) > 0 && isTaken(err):
		return lv.createAgain(ctx, j, err)
	case j.mayBeThere && errors.Is(err, unix.EEXIST):
		return lv.e.addBeside(ctx, j.msg, err)
	case j.awaits.IsValid() && errors.Is(err, unix.EINVAL):
		return lv.sendAfterDAD(ctx, j, err)
	}
	return err
}

// isFine says whether an answer is as good as done.
func isFine(err error, j *job) bool {
	var errno unix.Errno
	return err == nil || errors.As(err, &errno) && slices.Contains(j.fine, errno)
}

// isTaken says whether a name or number was taken: EEXIST, and EBUSY for the
// number of a veth's peer.
func isTaken(err error) bool { return errors.Is(err, unix.EEXIST) || errors.Is(err, unix.EBUSY) }

// createAttempts is how many chosen numbers are tried for one link.
const createAttempts = 8

// createAgain sends a creation that was refused because of its number once
// more with another one. A link that is there under the name is a real
// conflict: err is given back. What follows in the step is encoded anew.
func (lv *level) createAgain(ctx context.Context, j *job, err error) error {
	for range createAttempts {
		for _, l := range j.creates {
			if lv.e.nameTaken(ctx, l.name) {
				return err
			}
		}
		for _, l := range j.creates {
			old := l.index
			lv.links.renumber(l)
			lv.e.log.Debug("number of a new link was taken, tries another", "interface", l.name, "number", old)
		}
		w, encErr := encodeLink(&lv.plan.Steps[j.step], lv.links, j.creates[0])
		if encErr != nil {
			return encErr
		}
		lv.works[j.step-lv.start] = w
		err = lv.e.conn.pipeline(ctx, []netlink.Message{w[0][0].msg})[0]
		if !isTaken(err) {
			return err
		}
	}
	return err
}

// fail makes the error of a step.
func (r *run) fail(step int, err error) error {
	return &engine.StepError{Index: step, Step: &r.plan.Steps[step], Err: err}
}

// explain makes the error of a task: what was tried on what, the kernel's
// words, and that a link vanished or was renamed where this is why.
func (r *run) explain(ctx context.Context, j *job, err error) error {
	s := &r.plan.Steps[j.step]
	if ctx.Err() == nil && (errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT)) {
		for _, name := range []string{s.Object, s.Controller} {
			if l := r.links.byName[name]; l != nil {
				if gone := r.e.stillThere(ctx, l); gone != nil {
					return gone
				}
			}
		}
	}
	if len(j.creates) > 0 {
		return newCreateError(s.Object, j.creates[0].kind, err)
	}
	return newOpError(j.op, s.Object, err)
}

// stillThere is an error if the link of that number has another name now, or
// is gone.
func (e *Engine) stillThere(ctx context.Context, l *link) error {
	var name string
	req := ifHeader{index: l.index}.encode().message(unix.RTM_GETLINK, 0)
	err := e.conn.ask(ctx, []netlink.Message{req}, func(_ int, body []byte) { name = linkName(body) })[0]
	switch {
	case errors.Is(err, unix.ENODEV):
		return vanished(l.name, fmt.Errorf("the interface vanished during the change: %w", unix.ENODEV))
	case err == nil && name != "" && name != l.name:
		return vanished(l.name, fmt.Errorf("the interface was renamed to %q during the change: %w", name, unix.ENODEV))
	}
	return nil
}

// nameTaken asks whether a link has the name, or has it as another name.
func (e *Engine) nameTaken(ctx context.Context, name string) bool {
	enc := ifHeader{}.encode()
	enc.text(unix.IFLA_IFNAME, name)
	if len(name) >= unix.IFNAMSIZ {
		return false
	}
	return e.conn.ask(ctx, []netlink.Message{enc.message(unix.RTM_GETLINK, 0)}, nil)[0] == nil
}

// linkName takes the name out of a link message.
func linkName(body []byte) string {
	if len(body) < 16 {
		return ""
	}
	for a := scan(body[16:]); a.next(); {
		if a.typ == unix.IFLA_IFNAME {
			return a.text()
		}
	}
	return ""
}
