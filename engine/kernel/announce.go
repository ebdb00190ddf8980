package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
)

// Neighbours are told twice that an address is here now, since the first
// message may be lost while a switch learns; with this time in between. The
// two seconds of RFC 5227 are meant for probing, where somebody may answer.
const announceGap = 100 * time.Millisecond

// announceBound is how long duplicate detection may keep an IPv6 address from
// being announced; after that nobody is told.
const announceBound = 30 * time.Second

// An announcement is one address on one link.
type announcement struct {
	ip    netip.Addr
	index int
	mac   net.HardwareAddr
}

// An announcer keeps the announcements that are still to be sent.
type announcer struct {
	mu      sync.Mutex
	stop    chan struct{} // closed by finish
	running sync.WaitGroup
}

// start gives the channel that tells a new task to finish.
func (a *announcer) start() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stop == nil {
		a.stop = make(chan struct{})
	}
	a.running.Add(1)
	return a.stop
}

// finish lets what is under way be sent at once, and waits for it.
func (a *announcer) finish() {
	a.mu.Lock()
	if a.stop != nil {
		close(a.stop)
		a.stop = nil
	}
	a.mu.Unlock()
	a.running.Wait()
}

// announce tells the neighbours about the addresses that the plan added or
// moved: gratuitous ARP (RFC 5944 4.6, RFC 5227 2.3) and unsolicited neighbour
// advertisements (RFC 4861 7.2.6), on links with a carrier. What goes wrong is
// logged and nothing else: the addresses work without.
func (e *Engine) announce(ctx context.Context, r *run) {
	list := e.announcements(ctx, r)
	if len(list) == 0 {
		return
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		e.log.Debug("addresses are not announced", "err", err)
		return
	}
	var v6 []announcement
	var v4 []announcement
	for _, a := range list {
		if a.ip.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	sendAll(e.log, fd, v4)
	stop := e.announcer.start()
	go func() {
		defer e.announcer.running.Done()
		defer func() { _ = unix.Close(fd) }()
		wait(stop, announceGap)
		sendAll(e.log, fd, v4)
		e.announceIPv6(fd, v6, stop)
	}()
}

// announceIPv6 sends what concerns IPv6 as duplicate detection allows: a
// tentative address must not be told of (RFC 4862 5.4).
func (e *Engine) announceIPv6(fd int, list []announcement, stop <-chan struct{}) {
	deadline := time.Now().Add(announceBound)
	for last := false; len(list) > 0 && !last && time.Now().Before(deadline); {
		last = wait(stop, announceGap)
		flags, err := e.addressFlags(context.Background())
		if err != nil {
			e.log.Debug("IPv6 addresses are not announced", "err", err)
			return
		}
		var ready, later []announcement
		for _, a := range list {
			f, found := flags[a.ip]
			switch {
			case !found || f&unix.IFA_F_DADFAILED != 0:
			case f&unix.IFA_F_TENTATIVE != 0:
				later = append(later, a)
			default:
				ready = append(ready, a)
			}
		}
		sendAll(e.log, fd, ready)
		if len(ready) > 0 {
			wait(stop, announceGap)
			sendAll(e.log, fd, ready)
		}
		list = later
	}
}

// wait waits, and says whether it was told to stop.
func wait(stop <-chan struct{}, d time.Duration) bool {
	select {
	case <-stop:
		return true
	case <-time.After(d):
		return false
	}
}

// announcements are the addresses that the run put on links that have a
// carrier and an Ethernet address.
func (e *Engine) announcements(ctx context.Context, r *run) []announcement {
	byIndex := map[int][]netip.Addr{}
	for i := range r.plan.Steps {
		s := &r.plan.Steps[i]
		if s.Verb != plan.AddAddress || s.Address == nil || s.Address.IP.IsLoopback() {
			continue
		}
		if l := r.links.byName[s.Object]; l != nil {
			byIndex[l.index] = append(byIndex[l.index], s.Address.IP)
		}
	}
	if len(byIndex) == 0 {
		return nil
	}
	var msgs []netlink.Message
	for index := range byIndex {
		req := ifHeader{index: index}.encode()
		req.u32(unix.IFLA_EXT_MASK, extFilterSkipStats)
		msgs = append(msgs, req.message(unix.RTM_GETLINK, 0))
	}
	var list []announcement
	e.conn.ask(ctx, msgs, func(_ int, body []byte) {
		l, err := decodeLink(body, false)
		if err != nil || !l.Carrier || !l.up() || l.Hardware != unix.ARPHRD_ETHER {
			return
		}
		mac, err := net.ParseMAC(l.MAC)
		if err != nil {
			return
		}
		for _, ip := range byIndex[l.Index] {
			list = append(list, announcement{ip, l.Index, mac})
		}
	})
	return list
}

// sendAll sends one frame for each.
func sendAll(log *slog.Logger, fd int, list []announcement) {
	var errs []error
	for _, a := range list {
		to := &unix.SockaddrLinklayer{Ifindex: a.index, Halen: 6}
		errs = append(errs, unix.Sendto(fd, a.frame(), 0, to))
	}
	if err := errors.Join(errs...); err != nil {
		log.Debug("not every address was announced", "err", err)
	}
}

// frame is the Ethernet frame that announces the address.
func (a announcement) frame() []byte {
	if a.ip.Is4() {
		return a.arp()
	}
	return a.advertisement()
}

// arp is an ARP request for the address by its own holder, to everybody.
func (a announcement) arp() []byte {
	b := make([]byte, 0, 42)
	b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	b = append(b, a.mac...)
	b = append(b, 0x08, 0x06)             // ARP
	b = append(b, 0, 1, 8, 0, 6, 4, 0, 1) // Ethernet, IPv4, request
	b = append(b, a.mac...)
	b = append(b, a.ip.AsSlice()...)
	b = append(b, 0, 0, 0, 0, 0, 0)
	return append(b, a.ip.AsSlice()...)
}

// advertisement is an unsolicited neighbour advertisement to all nodes.
func (a announcement) advertisement() []byte {
	src, dst := a.ip.As16(), netip.IPv6LinkLocalAllNodes().As16()
	icmp := make([]byte, 0, 32)
	icmp = append(icmp, 136, 0, 0, 0, 0x20, 0, 0, 0) // override
	icmp = append(icmp, src[:]...)
	icmp = append(icmp, 2, 1) // target link-layer address
	icmp = append(icmp, a.mac...)
	binary.BigEndian.PutUint16(icmp[2:], checksum(src[:], dst[:], []byte{0, 0, 0, byte(len(icmp)), 0, 0, 0, unix.IPPROTO_ICMPV6}, icmp))
	b := make([]byte, 0, 86)
	b = append(b, 0x33, 0x33, 0, 0, 0, 1)
	b = append(b, a.mac...)
	b = append(b, 0x86, 0xdd)
	b = append(b, 0x60, 0, 0, 0, 0, byte(len(icmp)), unix.IPPROTO_ICMPV6, 255)
	b = append(b, src[:]...)
	b = append(b, dst[:]...)
	return append(b, icmp...)
}

// checksum is the Internet checksum (RFC 1071) over parts of even length.
func checksum(parts ...[]byte) uint16 {
	var sum uint32
	for _, p := range parts {
		for ; len(p) >= 2; p = p[2:] {
			sum += uint32(binary.BigEndian.Uint16(p))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
