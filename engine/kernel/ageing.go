package kernel

import (
	"encoding/binary"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// defaultAgeing is what a new bridge has (BR_DEFAULT_AGEING_TIME,
// net/bridge/br_private.h), in USER_HZ.
const defaultAgeing = 300 * userHZ

// An ageingMemory knows the ageing times that bridges are configured with.
// While a topology change lasts a bridge with STP shows twice its forward delay
// in its place, and nothing tells the configured one
// (__br_set_topology_change, net/bridge/br_stp.c): it is what was read before,
// or sent, or recorded by an earlier process.
type ageingMemory struct {
	mu    sync.Mutex
	times map[string]ageingTime // by the bridge's name
}

// An ageingTime is a bridge's configured one.
type ageingTime struct {
	// Index is the bridge's; 0 if it was not made yet.
	Index int `json:"index"`
	// Ticks is the time in USER_HZ.
	Ticks uint32 `json:"ticks"`
}

func (m *ageingMemory) set(name string, t ageingTime) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.times == nil {
		m.times = map[string]ageingTime{}
	}
	m.times[name] = t
}

func (m *ageingMemory) get(name string, index int) (ageingTime, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, known := m.times[name]
	return t, known && (t.Index == index || t.Index == 0)
}

// expect remembers what a step is about to configure: other values are the
// kernel's own from then on.
func (m *ageingMemory) expect(s *plan.Step) {
	if s.Type != state.TypeBridge || s.Link == nil || s.Link.Bridge == nil {
		return
	}
	ticks := uint32(0)
	if o := s.Link.Bridge.Options; o != nil && o.MACAgeingTime != nil {
		ticks = *o.MACAgeingTime * centiseconds
	}
	switch {
	case s.Verb == plan.CreateLink && ticks == 0:
		m.set(s.Object, ageingTime{Ticks: defaultAgeing})
	case s.Verb == plan.CreateLink:
		m.set(s.Object, ageingTime{Ticks: ticks})
	case s.Verb == plan.ChangeLink && ticks != 0 && slices.Contains(s.Keys, ageingKey):
		m.set(s.Object, ageingTime{Ticks: ticks})
	}
}

// ageingKey is the option's key in a step.
const ageingKey = "bridge.options.mac-ageing-time"

// correct puts the configured time in the place of the one that the link
// shows; an unknown one is taken out, so that nobody takes what the kernel
// made up for configuration. A bridge that has settled is remembered.
func (m *ageingMemory) correct(l *rawLink) {
	if l.Kind != kindBridge {
		return
	}
	var stp, delay uint32
	var changing bool
	var ageing, header []byte
	rest := l.Info
	for a := scan(l.Info); a.next(); rest = a.rest {
		switch a.typ {
		case unix.IFLA_BR_STP_STATE:
			stp = a.u32()
		case unix.IFLA_BR_FORWARD_DELAY:
			delay = a.u32()
		case unix.IFLA_BR_TOPOLOGY_CHANGE:
			changing = a.flag()
		case unix.IFLA_BR_AGEING_TIME:
			if a.need(4) {
				ageing, header = a.val, rest
			}
		}
	}
	if ageing == nil {
		return
	}
	shown := binary.NativeEndian.Uint32(ageing)
	if stp != kernelSTP || !changing {
		m.set(l.Name, ageingTime{l.Index, shown})
		return
	}
	if t, known := m.get(l.Name, l.Index); known {
		binary.NativeEndian.PutUint32(ageing, t.Ticks)
	} else if shown == 2*delay {
		binary.NativeEndian.PutUint16(header[2:], unix.IFLA_BR_PAD)
	}
}

// kernelSTP is BR_KERNEL_STP (net/bridge/br_private.h).
const kernelSTP = 1

// among gives the times of the links, by name, for the record.
func (m *ageingMemory) among(links map[string]int) map[string]ageingTime {
	times := map[string]ageingTime{}
	for name, index := range links {
		if t, known := m.get(name, index); known {
			times[name] = ageingTime{index, t.Ticks}
		}
	}
	return times
}

// recall takes over what an earlier process recorded.
func (m *ageingMemory) recall(r record) {
	for name, t := range r.Ageing {
		m.set(name, t)
	}
}
