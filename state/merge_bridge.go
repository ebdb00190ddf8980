package state

// mergeBridge merges the options of a bridge; its ports follow when those of
// all controllers are known.
func mergeBridge(cur, des *Bridge) *Bridge {
	if des == nil {
		return cur
	}
	if cur == nil {
		return &Bridge{Options: des.Options, Port: []BridgePort{}}
	}
	options := overlay(cur.Options, des.Options)
	if options == cur.Options {
		return cur
	}
	return &Bridge{Options: options, Port: cur.Port}
}

// createBridge gives a new bridge a section of its own.
func createBridge(i *Interface) {
	b := Bridge{}
	if i.Bridge != nil {
		b = *i.Bridge
	}
	b.Port = []BridgePort{}
	i.Bridge = &b
}

// mergeBridgePort lays the document's options of a port over the present
// ones. A filter that is not mentioned stays, an empty one removes it, any
// other is taken whole.
func mergeBridgePort(cur, des BridgePort) (BridgePort, bool) {
	plain := des
	plain.VLAN = nil
	out := cur
	if laid := overlay(&cur, &plain); laid != &cur {
		out = *laid
	}
	changed := out != cur
	switch {
	case des.VLAN == nil || des.VLAN.filter() == cur.VLAN.filter():
	case des.VLAN.filter() == (portFilter{}):
		out.VLAN, changed = nil, true
	default:
		out.VLAN, changed = des.VLAN, true
	}
	return out, changed
}

// portFilter is a port's VLAN filter in a form that can be compared.
type portFilter struct {
	mode   PortVLANMode
	tag    uint16
	native bool
	tagged [64]uint64
}

// filter flattens a filter; nil and an empty one are no filter.
func (v *PortVLAN) filter() portFilter {
	f := portFilter{}
	if v == nil {
		return f
	}
	f.mode = v.Mode
	if f.mode == "" {
		f.mode = v.impliedMode()
	}
	f.native = f.mode == Trunk && is(v.EnableNative)
	if f.mode == Access || f.native {
		f.tag = value(v.Tag, 0)
	}
	if f.mode == Trunk {
		for _, t := range v.TrunkTags {
			f.add(t)
		}
	}
	return f
}

// impliedMode is trunk where there are tags to carry, else access where there
// is a tag, else none.
func (v *PortVLAN) impliedMode() PortVLANMode {
	switch {
	case len(v.TrunkTags) > 0:
		return Trunk
	case v.Tag != nil:
		return Access
	}
	return ""
}

func (f *portFilter) add(t TrunkTag) {
	first, last := t.span()
	for id := int(first); id <= int(min(last, 4095)); id++ {
		f.tagged[id/64] |= 1 << (id % 64)
	}
}

// span is the first and the last VLAN of an entry.
func (t TrunkTag) span() (first, last uint16) {
	if t.Range != nil {
		return t.Range.Min, t.Range.Max
	}
	id := value(t.ID, 0)
	return id, id
}

// filtering tells whether a port of the bridge has a filter: that is when the
// bridge filters.
func (b *Bridge) filtering() bool {
	for _, p := range b.Port {
		if p.VLAN.filter() != (portFilter{}) {
			return true
		}
	}
	return false
}
