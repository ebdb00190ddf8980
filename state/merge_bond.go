package state

// mergeBond merges the section of a bond but for its ports, which follow when
// those of all controllers are known. Another mode, or empty options beside a
// mode, begin anew: with the document's options and a new bond's defaults.
func mergeBond(cur, des *Bond) *Bond {
	if des == nil {
		return cur
	}
	if cur == nil {
		cur = &Bond{}
	}
	out := *cur
	switch {
	case des.Mode != "" && des.Mode != cur.Mode:
		out.Mode = des.Mode
		out.Options = resetBond(cur, des)
	case des.Mode != "" && des.Options != nil && *des.Options == (BondOptions{}):
		out.Options = overlay(cur.Options, resetBond(cur, des))
	default:
		out.Options = overlay(cur.Options, exclusive(cur.Options, effectiveOptions(cur.Mode, cur.Options, des.Options)))
	}
	out.PortsConfig = mergePortsConfig(cur.PortsConfig, des.PortsConfig)
	if shallowSame(&out, cur) {
		return cur
	}
	return &out
}

// exclusive adds to options what the kernel does by itself: one kind of
// monitoring turns the other one off.
func exclusive(cur, des *BondOptions) *BondOptions {
	if cur == nil || des == nil {
		return des
	}
	c := *des
	if value(c.ARPInterval, 0) > 0 && c.MIIMon == nil && value(cur.MIIMon, 0) > 0 {
		c.MIIMon = new(uint32(0))
	}
	if value(c.MIIMon, 0) > 0 && c.ARPInterval == nil && value(cur.ARPInterval, 0) > 0 {
		c.ARPInterval = new(uint32(0))
	}
	return &c
}

// resetBond returns the options of a bond that begins anew: the document's,
// link monitoring, and the kernel's defaults for what was set before.
func resetBond(cur, des *Bond) *BondOptions {
	o := BondOptions{}
	if e := effectiveOptions(des.Mode, nil, des.Options); e != nil {
		o = *e
	}
	if cur.Options != nil {
		for n := range bondOptions {
			k := &bondOptions[n]
			if k.off != "" && k.known(des.Mode) && !k.mentioned(&o) && k.mentioned(cur.Options) && k.text(cur.Options) != k.off {
				k.restore(&o)
			}
		}
	}
	monitor(&o, des.Options)
	return &o
}

// effectiveOptions leaves of the options of a document what can mean
// something: not what the mode does not know and only repeats the kernel's
// default or what is there (was, nil with another mode), as a document made of
// show's output does.
func effectiveOptions(mode BondMode, was, des *BondOptions) *BondOptions {
	if des == nil {
		return nil
	}
	o := *des
	for n := range bondOptions {
		if k := &bondOptions[n]; k.idle(mode, was, &o) {
			k.clear(&o)
		}
	}
	if isZeroMAC(o.ADActorSystem) && (was == nil || was.ADActorSystem == "" || isZeroMAC(was.ADActorSystem)) {
		o.ADActorSystem = ""
	}
	if value(o.MIIMon, 1) == 0 {
		dropZero(&o.UpDelay)
		dropZero(&o.DownDelay)
	}
	return &o
}

// dropZero forgets a delay of nothing, which the kernel refuses without link
// monitoring (_bond_option_delay_set in drivers/net/bonding/bond_options.c).
func dropZero(p **uint32) {
	if *p != nil && **p == 0 {
		*p = nil
	}
}

func isZeroMAC(mac MAC) bool { return mac == "00:00:00:00:00:00" }

// monitor turns link monitoring on where the document has no word on either
// kind: without one a dead link is never noticed.
func monitor(o, des *BondOptions) {
	if des != nil && (des.MIIMon != nil || value(des.ARPInterval, 0) > 0) {
		if des.MIIMon == nil {
			o.MIIMon = new(uint32(0))
		}
		return
	}
	o.MIIMon = new(uint32(100))
}

// createBond gives a new bond its defaults.
func createBond(i *Interface) {
	b := Bond{}
	if i.Bond != nil {
		b = *i.Bond
	}
	o := BondOptions{}
	if e := effectiveOptions(b.Mode, nil, b.Options); e != nil {
		o = *e
	}
	if o.MIIMon == nil && value(o.ARPInterval, 0) == 0 {
		o.MIIMon = new(uint32(100))
	}
	b.Options, b.Port = &o, []string{}
	i.Bond = &b
}

// mergePortsConfig lays the document's options of ports over the present ones,
// port by port.
func mergePortsConfig(cur, des []BondPort) []BondPort {
	out := cur
	for _, d := range des {
		at := bondPort(out, d.Name)
		if at < 0 {
			out = append(append([]BondPort{}, out...), d)
			continue
		}
		if laid := overlay(&out[at], &d); *laid != out[at] {
			out = append([]BondPort{}, out...)
			out[at] = *laid
		}
	}
	return out
}

func bondPort(list []BondPort, name string) int {
	for i := range list {
		if list[i].Name == name {
			return i
		}
	}
	return -1
}
