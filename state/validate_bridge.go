package state

import "holdfast/internal/problem"

func suggest(name string, known []string) string { return problem.DidYouMean(name, known) }

// suggestOr proposes a name that is near, or otherwise.
func suggestOr(name string, known []string, otherwise string) string {
	if hint := suggest(name, known); hint != "" {
		return hint
	}
	return otherwise
}

// addPort says what to do about options of an interface that is no port.
const addPort = "add it to the ports, or leave it out here"

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
			v.fault(i, at, "", "the port has no name", "give the name of an interface")
		case p.Name == i.Name:
			v.fault(i, at+".name", p.Name, "the interface cannot be its own port", "take it off the list")
		case seen[p.Name]:
			v.fault(i, at+".name", p.Name, "the port is listed twice", "list it once")
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
		v.fault(i, path, "", "the filter has neither a tag nor trunk-tags", "add a tag for an access port, or trunk-tags for a trunk")
	}
	v.tags(i, path+".trunk-tags", f)
}

func (v *validation) trunk(i *Interface, path string, f *PortVLAN) {
	switch {
	case len(f.TrunkTags) == 0:
		v.fault(i, path+".trunk-tags", "", "a trunk needs the VLANs that it carries", "list them: [{id: 10}, {id-range: {min: 20, max: 29}}]")
	case f.Tag != nil && !is(f.EnableNative):
		v.fault(i, path+".tag", itoa(int(*f.Tag)), "a trunk has a tag only with enable-native: true", "add enable-native: true, or list the VLAN in trunk-tags")
	case is(f.EnableNative) && value(f.Tag, 0) == 0:
		v.fault(i, path+".enable-native", "true", "the native VLAN needs a tag", "add the tag of the VLAN that untagged frames belong to")
	}
}

func (v *validation) access(i *Interface, path string, f *PortVLAN) {
	if value(f.Tag, 0) == 0 {
		v.fault(i, path+".tag", "", "an access port needs its VLAN, 1 to 4094", "add tag: and the VLAN")
	}
	if is(f.EnableNative) {
		v.fault(i, path+".enable-native", "true", "is for trunks, not for an access port", "leave it out, or make mode: trunk")
	}
	if len(f.TrunkTags) > 0 {
		v.fault(i, path+".trunk-tags", "", "are for trunks, not for an access port", "leave them out, or make mode: trunk")
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
			v.fault(i, at, "", "has both id and id-range", "make two entries of them")
		case t.ID == nil && t.Range == nil:
			v.fault(i, at, "", "has neither id nor id-range", "write {id: 10} or {id-range: {min: 20, max: 29}}")
		case first > last:
			v.fault(i, at+".id-range", itoa(int(first))+"-"+itoa(int(last)), "ends before it begins", "min is the first VLAN, max the last")
		default:
			one := portFilter{}
			one.add(t)
			if twice, id := seen.overlaps(one); twice {
				v.fault(i, at, itoa(id), "the VLAN is listed twice", "list it once, and the native VLAN not at all")
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
