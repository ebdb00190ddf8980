package plan

// wire ties the steps of a link to each other and to those of its neighbours.
func (b *builder) wire(l *link) {
	if l.leaves() {
		b.wireRemoval(l)
	}
	if l.want == nil {
		return
	}
	b.wireCreate(l)
	b.wireChange(l)
	b.wirePort(l)
	b.wireUp(l)
	b.wireAddresses(l)
	for _, m := range l.members {
		b.wireMTU(l, m)
	}
	if l.base != nil {
		b.wireMTU(l, l.base)
	}
}

// wireRemoval lets a link go after what sits on it and after the ports that
// stay; ports that go as well need no order.
func (b *builder) wireRemoval(l *link) {
	for _, u := range l.uppers {
		if u.wasBase == l {
			b.need(l.at.remove, u.removing())
		}
	}
	for _, m := range l.wasMembers {
		b.need(l.at.remove, m.at.detach)
	}
}

// removing is the step that removes the link, its own or its peer's.
func (l *link) removing() int {
	if l.at.remove < 0 && l.removedByPeer() {
		return l.wasPeer.at.remove
	}
	return l.at.remove
}

// leaving is the step with which the link leaves its controller: its own, or the
// removal of the controller, which lets go of guests by itself. A bond sets a
// port that it lets go down, and gives it back the MTU that it came with.
func (l *link) leaving() int {
	if l.at.detach < 0 && l.parts {
		return l.wasCtl.at.remove
	}
	return l.at.detach
}

// creating is the step that makes the link, its own or its peer's; -1 for a
// link that is there.
func (l *link) creating() int {
	if l.at.create < 0 && l.madeByPeer() {
		return l.peer.at.create
	}
	return l.at.create
}

// wireCreate lets a link be made after its former self went, after what it
// sits on, and, as a port, after its controller.
func (b *builder) wireCreate(l *link) {
	c := l.at.create
	if c < 0 {
		return
	}
	b.need(c, l.removing())
	if l.peer != nil {
		b.need(c, l.peer.removing())
	}
	if l.base != nil {
		b.need(c, l.base.creating())
		b.need(c, l.base.change)
		b.need(c, l.base.at.detach)
		b.need(c, l.base.at.attach)
		b.awaitMAC(c, l.base)
	}
	if l.ctl != nil {
		b.intoController(c, l.ctl)
	}
}

// intoController lets step i, which makes a port, wait until the controller
// is ready for it.
func (b *builder) intoController(i int, ctl *link) {
	b.need(i, ctl.creating())
	if ctl.latePVID() {
		b.need(ctl.change, i)
	} else {
		b.need(i, ctl.change)
	}
	b.need(i, ctl.at.mtu)
}

// wireChange orders what changes the link itself.
func (b *builder) wireChange(l *link) {
	made := l.creating()
	for _, i := range [...]int{l.change, l.at.mtu, l.at.attach, l.at.ownVLANs, l.at.ip, l.at.primary} {
		b.need(i, made)
	}
	b.need(l.change, l.at.down)
	b.need(l.change, l.leaving())
	b.need(l.at.mtu, l.leaving())
	if l.kind == &bondKind {
		for _, m := range l.wasMembers {
			b.need(l.change, m.at.detach)
			b.need(l.change, m.removing())
		}
	}
	b.need(l.at.primary, l.change)
	b.need(l.at.filterOn, l.at.ownVLANs)
	b.need(l.at.ownVLANs, l.at.filterOff)
	if l.at.ownVLANs >= 0 {
		b.need(l.at.ownVLANs, l.change)
		b.needAll(l.at.ownVLANs, b.meet(l.joining()))
	}
	for _, m := range l.members {
		b.need(l.at.primary, m.at.attach)
		b.need(l.at.primary, m.creating())
		b.need(l.at.filterOn, m.at.vlans)
		b.need(m.at.vlans, l.at.filterOff)
		b.need(m.at.vlans, l.change)
	}
	if l.alone && l.dips {
		for _, m := range l.wasMembers {
			b.need(m.at.detach, l.at.down)
		}
	}
}

// wirePort orders joining and leaving a controller.
func (b *builder) wirePort(l *link) {
	if a := l.at.attach; a >= 0 {
		b.intoController(a, l.ctl)
		b.need(a, l.leaving())
		b.need(a, l.at.down)
		b.need(a, l.change)
		b.need(a, l.at.ip)
		if l.at.mtu >= 0 && l.ctl.isBond() && l.ctl.at.mtu < 0 && b.reset(l) {
			b.need(l.at.mtu, a)
		} else {
			b.need(a, l.at.mtu)
		}
	} else if l.parts {
		b.need(l.at.ip, l.leaving())
	}
	if l.at.create >= 0 && l.at.mtu >= 0 {
		b.need(l.at.mtu, l.at.create)
	}
	joined := l.at.attach
	if joined < 0 {
		joined = l.at.create
	}
	b.need(l.at.port, joined)
	b.need(l.at.vlans, joined)
}

// wireUp lets a link come up when it is complete: after its options, its
// place in a controller, its VLANs, its base and its own ports.
func (b *builder) wireUp(l *link) {
	up := l.at.up
	if l.at.downLate >= 0 {
		up = l.at.downLate
	}
	if up < 0 {
		return
	}
	for _, i := range [...]int{
		l.creating(), l.at.ip, l.at.down, l.leaving(), l.at.attach, l.change, l.at.vlans, l.at.mtu,
	} {
		b.need(up, i)
	}
	if l.base != nil {
		b.need(up, l.base.at.up)
		b.need(up, l.base.at.ownVLANs)
		b.awaitMAC(up, l.base)
	}
	b.needAll(up, b.meet(l.joining()))
}

// awaitMAC lets step i, of a link that has its base's address, wait until a
// bridge that has none for a moment has one again: nothing comes up with zero
// (eth_validate_addr, EADDRNOTAVAIL).
func (b *builder) awaitMAC(i int, base *link) {
	if base.bereft() {
		b.needAll(i, b.meet(base.joining()))
	}
}

// joining are the steps that give the link its ports.
func (l *link) joining() []int {
	var list []int
	for _, m := range l.members {
		if m.at.attach >= 0 {
			list = append(list, m.at.attach)
		} else if m.at.create >= 0 {
			list = append(list, m.at.create)
		}
	}
	return list
}

// wireAddresses brings addresses last, when the link is up with its ports:
// duplicate detection needs a way out. What is taken away goes before the link
// is set down.
func (b *builder) wireAddresses(l *link) {
	for _, i := range l.at.removed {
		if l.dips {
			b.need(l.at.down, i)
			b.need(l.at.detach, i)
		} else if l.joins {
			b.need(i, l.at.ip)
		}
	}
	if len(l.at.added) == 0 {
		return
	}
	removed := b.meet(l.at.removed)
	var ready []int
	for _, i := range [...]int{l.creating(), l.at.ip, l.change, l.at.mtu, l.at.down, l.at.detach, l.at.up, l.at.downLate} {
		if i >= 0 {
			ready = append(ready, i)
		}
	}
	for _, m := range l.members {
		if m.at.up >= 0 {
			ready = append(ready, m.at.up)
		}
	}
	if l.dips && l.wasBase != nil && l.wasBase.at.down >= 0 {
		ready = append(ready, l.wasBase.at.down)
	}
	ready = b.meet(ready)
	for _, a := range l.at.added {
		b.needAll(a.step, removed)
		b.needAll(a.step, ready)
	}
}
