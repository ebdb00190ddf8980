package state

// mergeMACs gives new bonds and bridges the address of their first listed port
// that is there, so that neither the order in which ports join nor udev decides
// it, and carries copy-mac-from out.
func (m *merger) mergeMACs() {
	for _, l := range m.links {
		if l.des == nil || l.ignored || l.gone || l.released {
			continue
		}
		if from := l.des.CopyMACFrom; from != "" {
			m.copyMAC(l, from)
		} else if l.fresh() && (l.out.Type == TypeBond || l.out.Type == TypeBridge) {
			l.out.MAC = m.macOf(l)
		}
	}
}

func (m *merger) copyMAC(l *link, from string) {
	source := m.byName[from]
	if source == nil {
		m.fault(l.des, "copy-mac-from", from, "there is no such interface", m.suggestInterface(from, listHint))
		return
	}
	mac := m.macOf(source)
	if mac == "" {
		m.fault(l.des, "copy-mac-from", from, "the interface has no address to copy yet", "name an interface that is there")
		return
	}
	l.des.MAC = mac
	if upper(l.out.MAC) != upper(mac) {
		l.edit().MAC = mac
	}
}

// macOf returns the address that a link will have: the one that the document
// gives, the hardware's, the present one, or the one of what it stands on.
// Ports that others attach lend none. It is empty when the kernel makes it up.
func (m *merger) macOf(l *link) MAC {
	switch {
	case l.des != nil && l.des.MAC != "":
		return l.des.MAC
	case l.fresh() && l.out.MAC != "":
		return l.out.MAC
	case l.cur != nil && l.cur.PermanentMAC != "":
		return l.cur.PermanentMAC
	case l.cur != nil:
		return l.cur.MAC
	case l.macAsked:
		return l.lent
	}
	l.macAsked = true
	l.lent = m.borrow(l)
	return l.lent
}

// borrow takes the address of the first lender that has one. To a bridge, links
// of the kinds that guests have lend only where the document lists nothing
// better: a bridge whose address nobody set changes it with its ports.
func (m *merger) borrow(l *link) MAC {
	var guests MAC
	listed := l.des != nil && len(portNames(l.des)) > 0
	for _, name := range m.lenders(l) {
		p := m.byName[name]
		guest := p != nil && p.cur != nil && foreignPort(p.cur) && (l.out.Type == TypeBridge || !listed)
		if p == nil || guest && !listed {
			continue
		}
		mac := m.macOf(p)
		if mac != "" && !guest {
			return mac
		}
		if guests == "" {
			guests = mac
		}
	}
	return guests
}

// lenders names what a new link takes its address of: the ports in the
// document's order, or the base.
func (m *merger) lenders(l *link) []string {
	if l.des != nil {
		if listed := portNames(l.des); len(listed) > 0 {
			return listed
		}
	}
	return below(l.out)
}
