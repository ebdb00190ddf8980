package state

import "holdfast/internal/problem"

func suggest(name string, known []string) string { return problem.DidYouMean(name, known) }

func (v *validation) bridge(i *Interface) {
	b := i.Bridge
	if b == nil || i.Type == TypeOVSBridge {
		return
	}
	seen := make(map[string]bool, len(b.Port))
	for n, p := range b.Port {
		at := "bridge.port[" + itoa(n) + "]"
		switch {
		case p.Name == "":
			v.fault(i, at, "", "the port has no name", "")
		case p.Name == i.Name:
			v.fault(i, at+".name", p.Name, "the interface cannot be its own port", "")
		case seen[p.Name]:
			v.fault(i, at+".name", p.Name, "the port is listed twice", "")
		}
		seen[p.Name] = true
		v.portVLAN(i, at+".vlan", p.VLAN)
	}
	if o := b.Options; o != nil && o.GroupForwardMask != nil && o.GroupFwdMask != nil && *o.GroupForwardMask != *o.GroupFwdMask {
		v.fault(i, "bridge.options.group-fwd-mask", itoa(int(*o.GroupFwdMask)), "differs from group-forward-mask: "+itoa(int(*o.GroupForwardMask))+", which is the same value", "leave one of them out")
	}
}

// portVLAN checks a port's filter: a trunk has tags and perhaps a native VLAN,
// an access port one VLAN and nothing else.
func (v *validation) portVLAN(i *Interface, path string, f *PortVLAN) {
	if f == nil || f.Mode == "" && f.Tag == nil && f.EnableNative == nil && len(f.TrunkTags) == 0 {
		return
	}
	mode := f.Mode
	if mode == "" {
		mode = f.impliedMode()
	}
	switch mode {
	case Trunk:
		v.trunk(i, path, f)
	case Access:
		v.access(i, path, f)
	default:
		v.fault(i, path, "", "the filter has neither a tag nor trunk-tags", "")
	}
	v.tags(i, path+".trunk-tags", f)
}

func (v *validation) trunk(i *Interface, path string, f *PortVLAN) {
	switch {
	case len(f.TrunkTags) == 0:
		v.fault(i, path+".trunk-tags", "", "a trunk needs the VLANs that it carries", "")
	case f.Tag != nil && !is(f.EnableNative):
		v.fault(i, path+".tag", itoa(int(*f.Tag)), "a trunk has a tag only with enable-native: true", "")
	case is(f.EnableNative) && value(f.Tag, 0) == 0:
		v.fault(i, path+".enable-native", "true", "the native VLAN needs a tag", "")
	}
}

func (v *validation) access(i *Interface, path string, f *PortVLAN) {
	if value(f.Tag, 0) == 0 {
		v.fault(i, path+".tag", "", "an access port needs its VLAN, 1 to 4094", "")
	}
	if is(f.EnableNative) {
		v.fault(i, path+".enable-native", "true", "is for trunks, not for an access port", "")
	}
	if len(f.TrunkTags) > 0 {
		v.fault(i, path+".trunk-tags", "", "are for trunks, not for an access port", "")
	}
}

// tags checks the list of tags for ranges that end before they begin, and for
// VLANs that are listed twice.
func (v *validation) tags(i *Interface, path string, f *PortVLAN) {
	seen := portFilter{}
	if is(f.EnableNative) && f.Tag != nil {
		seen.add(TrunkTag{ID: f.Tag})
	}
	for n, t := range f.TrunkTags {
		at := path + "[" + itoa(n) + "]"
		first, last := t.span()
		switch {
		case t.ID != nil && t.Range != nil:
			v.fault(i, at, "", "has both id and id-range", "")
		case t.ID == nil && t.Range == nil:
			v.fault(i, at, "", "has neither id nor id-range", "")
		case first > last:
			v.fault(i, at+".id-range", itoa(int(first))+"-"+itoa(int(last)), "ends before it begins", "")
		default:
			one := portFilter{}
			one.add(t)
			if twice, id := seen.overlaps(one); twice {
				v.fault(i, at, itoa(id), "the VLAN is listed twice", "")
			}
			seen.add(t)
		}
	}
}

// overlaps tells whether two sets of VLANs share one, and the first such.
func (f *portFilter) overlaps(g portFilter) (bool, int) {
	for id := range 4096 {
		if f.tagged[id/64]&g.tagged[id/64]&(1<<(id%64)) != 0 {
			return true, id
		}
	}
	return false, 0
}
