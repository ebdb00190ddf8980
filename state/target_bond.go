package state

import (
	"slices"
	"strconv"
	"strings"
)

// bondOptions checks the options of the document against the mode.
func (c *targetCheck) bondOptions(l *checked) {
	if l.des == nil || l.des.Bond == nil {
		return
	}
	c.portPriorities(l)
	if l.des.Bond.Options == nil {
		return
	}
	mode, was := l.out.Bond.Mode, (*BondOptions)(nil)
	if l.cur != nil && l.cur.Bond != nil && l.cur.Bond.Mode == mode {
		was = l.cur.Bond.Options
	}
	for n := range bondOptions {
		k := &bondOptions[n]
		if !k.mentioned(l.des.Bond.Options) || k.known(mode) || k.idle(mode, was, l.des.Bond.Options) {
			continue
		}
		modes := make([]string, 0, len(k.modes))
		for _, m := range k.modes {
			modes = append(modes, string(m))
		}
		c.fault(l, optionsPath+k.key, k.text(l.des.Bond.Options), "the option is not for mode "+string(mode), "it is for "+strings.Join(modes, ", "))
	}
}

// portPriorities refuses priorities of ports in modes without an active port.
func (c *targetCheck) portPriorities(l *checked) {
	mode := l.out.Bond.Mode
	for n, p := range l.des.Bond.PortsConfig {
		if value(p.Priority, 0) == 0 || slices.Contains(primaryModes, mode) || l.out == l.cur {
			continue
		}
		c.fault(l, "link-aggregation.ports-config["+itoa(n)+"].priority", strconv.Itoa(int(*p.Priority)), "the option is not for mode "+string(mode), "it is for active-backup, balance-tlb, balance-alb")
	}
}

// bondMonitoring checks that monitoring has what it needs.
func (c *targetCheck) bondMonitoring(l *checked) {
	if l.des == nil || l.des.Bond == nil || l.des.Bond.Options == nil || l.cur != nil && l.out.Bond == l.cur.Bond {
		return
	}
	o, des := l.out.Bond.Options, l.des.Bond.Options
	if value(o.ARPInterval, 0) > 0 && value(o.ARPIPTarget, "") == "" && value(o.NSIP6Target, "") == "" {
		c.fault(l, optionsPath+"arp_interval", itoa(int(*o.ARPInterval)), "needs targets to probe", "add arp_ip_target or ns_ip6_target")
	}
	c.bondDelay(l, "updelay", des.UpDelay)
	c.bondDelay(l, "downdelay", des.DownDelay)
	if links := value(des.MinLinks, 0); int(links) > len(l.out.Bond.Port) {
		c.warn("%s: min_links %d is more than its %d ports: it will have no carrier", l.out.Name, links, len(l.out.Bond.Port))
	}
}

// bondDelay checks a delay of the document against link monitoring, in whose
// intervals the kernel counts it.
func (c *targetCheck) bondDelay(l *checked, key string, wish *uint32) {
	miimon := l.out.Bond.Options.MIIMon
	switch delay := value(wish, 0); {
	case delay == 0 || miimon == nil:
	case *miimon == 0:
		c.fault(l, optionsPath+key, itoa(int(delay)), "needs link monitoring", "set miimon")
	case delay%*miimon != 0:
		c.warn("%s: %s %d is no multiple of miimon %d: the kernel makes it %d", l.out.Name, key, delay, *miimon, delay / *miimon * *miimon)
	}
}

// bondPrimary checks that the preferred port is a port, and that options of
// ports are of ports.
func (c *targetCheck) bondPrimary(l *checked) {
	if l.des == nil || l.des.Bond == nil {
		return
	}
	ports := l.out.Bond.Port
	if o := l.des.Bond.Options; o != nil {
		if p := value(o.Primary, ""); p != "" && !contains(ports, p) && slices.Contains(primaryModes, l.out.Bond.Mode) {
			c.fault(l, optionsPath+"primary", p, "is not among the ports of "+l.out.Name, suggestOr(p, ports, "name one of its ports"))
		}
	}
	queues := map[uint16]string{}
	for _, p := range l.out.Bond.PortsConfig {
		q := value(p.QueueID, 0)
		if other := queues[q]; q != 0 && other != "" && l.out != l.cur {
			c.fault(l, "link-aggregation.ports-config", itoa(int(q)), "the ports "+other+" and "+p.Name+" have the same queue-id", "a queue other than 0 belongs to one port")
		}
		queues[q] = p.Name
	}
	for n, p := range l.des.Bond.PortsConfig {
		if !contains(ports, p.Name) {
			c.fault(l, "link-aggregation.ports-config["+itoa(n)+"].name", p.Name, "is not among the ports of "+l.out.Name, suggestOr(p.Name, ports, addPort))
		}
	}
}

// bondMAC refuses an address for a bond that takes its active port's.
func (c *targetCheck) bondMAC(l *checked) {
	if l.des == nil || l.des.MAC == "" || l.out.Bond.Options == nil || l.out.Bond.Mode != ActiveBackup || l.out.Bond.Options.FailOverMAC != "active" {
		return
	}
	if l.cur == nil || upper(l.cur.MAC) != upper(l.des.MAC) {
		c.fault(l, "mac-address", string(l.des.MAC), "a bond with fail_over_mac: active has the address of its active port", "leave mac-address out")
	}
}

// bondPorts refuses ports that a bond cannot have.
func (c *targetCheck) bondPorts(l *checked) {
	c.portKinds(l, "link-aggregation.port", map[Type]string{TypeBond: "a bond", TypeLoopback: "the loopback interface", TypeBridge: ""})
}

// portKindHint says what can be a port of a controller.
var portKindHint = map[Type]string{
	TypeBond:   "the ports of a bond are NICs",
	TypeBridge: "the ports of a bridge are NICs, bonds, VLANs and ends of pairs",
}

// portKinds refuses new ports of kinds that the controller cannot have.
func (c *targetCheck) portKinds(l *checked, path string, refused map[Type]string) {
	var before []string
	if l.cur != nil {
		before = portNames(l.cur)
	}
	listed := []string{}
	if l.des != nil {
		listed = portNames(l.des)
	}
	for _, name := range portNames(l.out) {
		p := c.out[name]
		if p == nil || refused[p.Type] == "" || contains(before, name) {
			continue
		}
		at := path
		if n := slices.Index(listed, name); n >= 0 {
			at += "[" + itoa(n) + "]"
		}
		c.fault(l, at, name, refused[p.Type]+" cannot be a port of "+l.out.Name+", of type "+string(l.out.Type), portKindHint[l.out.Type])
	}
}
