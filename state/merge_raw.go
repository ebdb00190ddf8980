package state

import "maps"

// rawSection is one of the sections that are kept and compared, not carried
// out.
type rawSection struct {
	key string
	// of returns the section's place in an interface.
	of func(*Interface) *Raw
	// kind is the type that the section belongs to; empty for any.
	kind Type
	// unseen is set when a missing section in the current state says nothing:
	// an engine may not be able to read it.
	unseen bool
}

// rawSections lists them in the order in which they are printed.
var rawSections = []rawSection{
	{key: "vxlan", kind: TypeVXLAN, of: func(i *Interface) *Raw { return &i.VXLAN }},
	{key: "vrf", kind: TypeVRF, of: func(i *Interface) *Raw { return &i.VRF }},
	{key: "mac-vlan", kind: TypeMACVLAN, of: func(i *Interface) *Raw { return &i.MACVLAN }},
	{key: "mac-vtap", kind: TypeMACVTAP, of: func(i *Interface) *Raw { return &i.MACVTAP }},
	{key: "ipvlan", kind: TypeIPVLAN, of: func(i *Interface) *Raw { return &i.IPVLAN }},
	{key: "macsec", kind: TypeMACsec, of: func(i *Interface) *Raw { return &i.MACsec }},
	{key: "hsr", kind: TypeHSR, of: func(i *Interface) *Raw { return &i.HSR }},
	{key: "infiniband", kind: TypeInfiniBand, of: func(i *Interface) *Raw { return &i.InfiniBand }},
	{key: "libreswan", kind: TypeIPsec, of: func(i *Interface) *Raw { return &i.Libreswan }},
	{key: "ip-tunnel", kind: TypeIPTunnel, of: func(i *Interface) *Raw { return &i.IPTunnel }},
	{key: "patch", kind: TypeOVSPort, of: func(i *Interface) *Raw { return &i.Patch }},
	{key: "dpdk", kind: TypeOVSPort, of: func(i *Interface) *Raw { return &i.DPDK }},
	{key: "mptcp", of: func(i *Interface) *Raw { return &i.MPTCP }},
	{key: "ovs-db", of: func(i *Interface) *Raw { return &i.OVSDB }},
	{key: "802.1x", of: func(i *Interface) *Raw { return &i.IEEE8021X }},
	{key: "lldp", of: func(i *Interface) *Raw { return &i.LLDP }},
	{key: "ethtool", unseen: true, of: func(i *Interface) *Raw { return &i.Ethtool }},
	{key: "dispatch", of: func(i *Interface) *Raw { return &i.Dispatch }},
}

// mergeRawSections lays the document's sections over the present ones, and
// tells whether that changes anything.
func mergeRawSections(out, des *Interface) bool {
	changes := false
	for n := range rawSections {
		s := &rawSections[n]
		wish := *s.of(des)
		if wish == nil || s.unseen && *s.of(out) == nil {
			continue
		}
		if merged, changed := mergeRaw(*s.of(out), wish); changed {
			*s.of(out), changes = merged, true
		}
	}
	return changes
}

// mergeRaw lays des over cur: objects key by key, anything else whole. It
// tells whether that changes anything.
func mergeRaw(cur, des Raw) (Raw, bool) {
	if des == nil {
		return cur, false
	}
	merged, changed := mergeObject(cur, des)
	return Raw(merged), changed
}

func mergeObject(cur, des map[string]any) (map[string]any, bool) {
	out, changed := cur, false
	set := func(k string, v any) {
		if !changed {
			out, changed = maps.Clone(cur), true
		}
		if out == nil {
			out = make(map[string]any, len(des))
		}
		out[k] = v
	}
	for k, v := range des {
		was, known := cur[k]
		inner, isObject := v.(map[string]any)
		wasInner, wasObject := was.(map[string]any)
		switch {
		case isObject && wasObject:
			if merged, differs := mergeObject(wasInner, inner); differs {
				set(k, merged)
			}
		case !known && emptyRaw(v):
		case !known || !equalRaw(was, v):
			set(k, v)
		}
	}
	return out, changed
}

// emptyRaw tells whether a value says nothing but "none" or "off".
func emptyRaw(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case bool:
		return !x
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		for _, e := range x {
			if !emptyRaw(e) {
				return false
			}
		}
		return true
	}
	n, ok := number(v)
	return ok && n == 0
}

// rawDifference returns the first key path, in alphabetical order, at which
// des asks for something else than cur has, and the value asked for.
func rawDifference(cur, des map[string]any) (path string, wish any, differs bool) {
	for _, k := range sortedKeys(des) {
		v, was := des[k], cur[k]
		inner, isObject := v.(map[string]any)
		if !isObject {
			if (was != nil || !emptyRaw(v)) && !equalRaw(was, v) {
				return k, v, true
			}
			continue
		}
		wasInner, _ := was.(map[string]any)
		if deeper, wish, differs := rawDifference(wasInner, inner); differs {
			return k + "." + deeper, wish, true
		}
	}
	return "", nil, false
}
