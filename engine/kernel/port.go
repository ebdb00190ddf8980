package kernel

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/plan"
)

// encodeAttach makes a link a port. A bond takes only what is down, and sets
// it up itself (bond_enslave, drivers/net/bonding/bond_main.c).
func encodeAttach(s *plan.Step, t *linkTable) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	c, err := t.find(s.Controller)
	if err != nil {
		return nil, err
	}
	var tasks []task
	if c.kind == kindBond && l.up {
		tasks = append(tasks, send("set down", setFlags(l.index, 0, unix.IFF_UP)))
	}
	tasks = append(tasks, send("attach to "+c.name, setMaster(l.index, c.index)))
	w := wave(tasks...)
	l.master = c.index
	if c.kind == kindBond {
		l.up = true
		if t.primaries[c.name] == l.name {
			delete(t.primaries, c.name)
			w = w.then(send("make it the primary port of "+c.name, setInfo(c.index, kindBond, func(e *encoder) {
				e.u32(unix.IFLA_BOND_PRIMARY, uint32(l.index))
			})))
		}
	}
	return w, nil
}

// encodeDetach takes a port out of its controller.
func encodeDetach(s *plan.Step, t *linkTable) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	if c := t.byName[s.Controller]; c != nil && c.kind == kindBond {
		l.up = false // __bond_release_one closes it
	}
	l.master = 0
	return wave(send("detach from "+s.Controller, setMaster(l.index, 0))), nil
}

// bondSlavePriority is IFLA_BOND_SLAVE_PRIO, from kernel 6.0.
const bondSlavePriority = unix.IFLA_BOND_SLAVE_PRIO

// encodePort sets options of a port: those that Keys name, or all that are
// given if there are no keys.
func encodePort(s *plan.Step, t *linkTable) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	var values encoder
	kind := kindBridge
	switch {
	case s.BridgePort != nil:
		putBridgePort(&values, s)
	case s.BondPort != nil:
		kind = kindBond
		putBondPort(&values, s)
	default:
		return nil, errors.New("internal error: the step has no port")
	}
	if len(values.b) == 0 {
		return nil, fmt.Errorf("internal error: the step has no value for %q", s.Keys)
	}
	op := fmt.Sprintf("set %s of a port of %s", strings.Join(s.Keys, ", "), s.Controller)
	return wave(send(op, setPort(l.index, kind, func(e *encoder) { e.b = append(e.b, values.b...) }))), nil
}

// names says whether a step's keys name one, by its last part.
func names(s *plan.Step, key string) bool {
	if len(s.Keys) == 0 {
		return true
	}
	for _, k := range s.Keys {
		if k == key || strings.HasSuffix(k, "."+key) {
			return true
		}
	}
	return false
}

func putBridgePort(e *encoder, s *plan.Step) {
	p := s.BridgePort
	if names(s, "stp-path-cost") {
		putU32(e, unix.IFLA_BRPORT_COST, p.PathCost)
	}
	if names(s, "stp-priority") {
		putU16(e, unix.IFLA_BRPORT_PRIORITY, p.Priority)
	}
	if names(s, "stp-hairpin-mode") {
		putFlag(e, unix.IFLA_BRPORT_MODE, p.Hairpin)
	}
}

func putBondPort(e *encoder, s *plan.Step) {
	p := s.BondPort
	if names(s, "queue-id") {
		putU16(e, unix.IFLA_BOND_SLAVE_QUEUE_ID, p.QueueID)
	}
	if names(s, "priority") && p.Priority != nil {
		e.u32(bondSlavePriority, uint32(*p.Priority))
	}
}
