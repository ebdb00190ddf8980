package kernel

import (
	"context"
	"slices"

	"golang.org/x/sys/unix"
)

// linkLocals gives links their former link-local addresses back, in a rollback.
//
// The kernel makes one when a link is up and has a carrier for the first time,
// from the MAC of that moment, and keeps it when the MAC changes, as a bridge's
// does with its ports (addrconf_dev_config, net/ipv6/addrconf.c). A link that
// was made or set up anew may so get another than it had. That is waited for,
// and then replaced; late is set when nothing more can be expected to come. A
// link that had none is left alone: its first may just have come late. So is
// one that has all that it had: what is there beside them came from others.
func (r *restorer) linkLocals(late bool) []extra {
	had, have := r.was.linkLocals(), r.now.linkLocals()
	var list []extra
	for _, l := range r.was.Links {
		now := r.pair(l)
		if now == nil || !now.up() {
			continue
		}
		lost, found := without(had[l.Index], have[now.Index]), without(have[now.Index], had[l.Index])
		comes := l.Flags&unix.IFF_RUNNING != 0 && len(found) == 0 // the kernel's own, with the carrier
		if len(lost) == 0 || comes && !late {
			continue
		}
		for _, a := range found {
			e := &encoder{b: slices.Clone(a.Body[:unix.SizeofIfAddrmsg])}
			e.attr(unix.IFA_LOCAL, a.Prefix.Addr().AsSlice())
			list = append(list, extra{
				op: "remove address " + a.Prefix.String(), object: l.Name,
				msg: e.message(unix.RTM_DELADDR, 0), fine: []unix.Errno{unix.EADDRNOTAVAIL},
			})
		}
		for _, a := range lost {
			if msg, ok := r.replay(a.Body, unix.SizeofIfAddrmsg, 4, nil, nil, unix.RTM_NEWADDR); ok {
				r.shorten(msg.Data)
				list = append(list, extra{op: "restore address " + a.Prefix.String(), object: l.Name, msg: msg})
			}
		}
	}
	return list
}

// ownAgain does so once and gives the picture that is true afterwards.
func (c *checkpoint) ownAgain(ctx context.Context, now *snapshot, late bool) (*snapshot, error) {
	r := newRestorer(c.e, c.Network, now, c.Taken, c.scope(), everything)
	list := r.linkLocals(late)
	if len(list) == 0 {
		return now, nil
	}
	if err := r.send(ctx, list); err != nil {
		return now, err
	}
	return takeSnapshot(ctx, c.e.conn, wantAll)
}

// linkLocals are the link-local addresses that the kernel made, by link, but for
// those that another host has as well.
func (s *snapshot) linkLocals() map[int][]*rawAddress {
	byLink := map[int][]*rawAddress{}
	for _, a := range s.Addresses {
		if a.Family == unix.AF_INET6 && a.Prefix.Addr().IsLinkLocalUnicast() && a.madeByKernel() && a.Flags&unix.IFA_F_DADFAILED == 0 {
			byLink[a.Index] = append(byLink[a.Index], a)
		}
	}
	return byLink
}

// without are the addresses that are not among others.
func without(list, others []*rawAddress) []*rawAddress {
	var rest []*rawAddress
	for _, a := range list {
		if !slices.ContainsFunc(others, func(b *rawAddress) bool { return a.Prefix == b.Prefix }) {
			rest = append(rest, a)
		}
	}
	return rest
}
