package kernel

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// addBeside settles a route that was refused because one with its key is
// there. The very same route, with the same next hops, is as good as done. The
// route that the kernel made of an address does not keep ours out: ours is put
// behind it, and is in force when the address leaves. Anything else is a
// conflict: err is given back.
func (e *Engine) addBeside(ctx context.Context, msg netlink.Message, err error) error {
	want, decodeErr := decodeRoute(msg.Data)
	if decodeErr != nil {
		return err
	}
	var shot snapshot
	if readErr := readRoutes(ctx, e.conn, &shot, wantRoutes|wantAllRoutes); readErr != nil {
		return err
	}
	kernels, others := 0, 0
	for _, r := range shot.Routes {
		switch {
		case !sameKey(r, want):
		case sameRoute(r, want):
			return nil
		case r.Protocol == unix.RTPROT_KERNEL:
			kernels++
		default:
			others++
		}
	}
	if kernels == 0 || others > 0 {
		return err
	}
	msg.Header.Flags = netlink.Create | netlink.Append
	return e.conn.pipeline(ctx, []netlink.Message{msg})[0]
}

// sameKey tells whether two routes cannot be told apart by whom they are for.
func sameKey(a, b *rawRoute) bool {
	return a.Family == b.Family && a.Table == b.Table && a.Destination == b.Destination &&
		a.Metric == b.Metric && a.TOS == b.TOS && !a.From.IsValid()
}

// sameRoute tells whether routes with one key are one and the same.
func sameRoute(a, b *rawRoute) bool {
	return a.Type == b.Type && !a.Special &&
		(a.Type != unix.RTN_UNICAST || slices.EqualFunc(a.Hops, b.Hops, sameHop))
}

func sameHop(a, b rawHop) bool {
	return a.Index == b.Index && a.Gateway == b.Gateway && a.Weight == b.Weight
}

const (
	// dadPatience is how long a route waits for its source address: with the
	// spanning tree protocol duplicate detection begins when the bridge
	// forwards, after twice the longest forward delay.
	dadPatience = 75 * time.Second
	dadPoll     = 100 * time.Millisecond
)

// sendAfterDAD sends a route again whose source address was refused, once
// duplicate detection is done with it: an IPv6 route's source must not be
// tentative (ip6_route_info_create, net/ipv6/route.c). err is given back if
// the address is not the reason, or failed.
func (lv *level) sendAfterDAD(ctx context.Context, j *job, err error) error {
	deadline := time.Now().Add(dadPatience)
	for time.Now().Before(deadline) {
		tentative, found := lv.e.isTentative(ctx, j.awaits)
		if !found {
			return err
		}
		if !tentative {
			return lv.e.conn.pipeline(ctx, []netlink.Message{j.msg})[0]
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(dadPoll):
		}
	}
	return err
}

// isTentative asks whether duplicate detection still runs on an IPv6 address;
// found is false if the host has it nowhere, or it was found elsewhere.
func (e *Engine) isTentative(ctx context.Context, ip netip.Addr) (tentative, found bool) {
	addresses, err := e.addressFlags(ctx)
	if err != nil {
		return false, false
	}
	flags, found := addresses[ip]
	if flags&unix.IFA_F_DADFAILED != 0 {
		return false, false
	}
	return flags&unix.IFA_F_TENTATIVE != 0 && flags&unix.IFA_F_OPTIMISTIC == 0, found
}

// addressFlags reads the flags of all IPv6 addresses; of one that is there
// several times (link-local) those of one of them.
func (e *Engine) addressFlags(ctx context.Context) (map[netip.Addr]uint32, error) {
	type entry struct {
		ip    netip.Addr
		flags uint32
	}
	req := []byte{unix.AF_INET6, 0, 0, 0, 0, 0, 0, 0}
	list, err := dumpAll(ctx, e.conn, unix.RTM_GETADDR, req, func(b []byte) (entry, bool, error) {
		if len(b) < 8 {
			return entry{}, false, short("address", b)
		}
		found := entry{flags: uint32(b[2])}
		a := scan(b[8:])
		for a.next() {
			switch a.typ {
			case unix.IFA_ADDRESS:
				found.ip = a.addr()
			case unix.IFA_FLAGS:
				found.flags = a.u32()
			}
		}
		return found, true, a.err
	})
	if err != nil {
		return nil, err
	}
	flags := make(map[netip.Addr]uint32, len(list))
	for _, a := range list {
		flags[a.ip] = a.flags
	}
	return flags, nil
}
