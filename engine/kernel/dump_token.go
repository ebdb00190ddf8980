package kernel

import (
	"context"
	"encoding/binary"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// automatic tells whether an IPv6 address was made of a router's advertisement
// or looks like it: the kernel says so since Linux 5.18.
func (a *rawAddress) automatic() bool {
	return a.Family == unix.AF_INET6 && !a.permanent() && (a.Protocol == addrProtoRA || a.Protocol == 0 && a.Prefix.Bits() < 128)
}

// readTokens asks for the interface identifiers of automatic addresses, of the
// links that have such addresses. They come with the statistics only
// (inet6_fill_ifla6_attrs, net/ipv6/addrconf.c), which are too slow to be asked
// of every link.
func readTokens(ctx context.Context, c *conn, s *snapshot, _ want) error {
	asked := map[int]bool{}
	var msgs []netlink.Message
	for _, a := range s.Addresses {
		if a.automatic() && !asked[a.Index] && s.link(a.Index) != nil {
			asked[a.Index] = true
			msgs = append(msgs, ifHeader{index: a.Index}.encode().message(unix.RTM_GETLINK, 0))
		}
	}
	if len(msgs) == 0 {
		return nil
	}
	c.ask(ctx, msgs, func(_ int, body []byte) {
		if len(body) < unix.SizeofIfInfomsg {
			return
		}
		if l := s.link(int(int32(binary.NativeEndian.Uint32(body[4:])))); l != nil {
			l.INet6.Token = decodeToken(body)
		}
	})
	return ctx.Err() // a link that is gone has no token
}

// decodeToken takes the token out of an RTM_NEWLINK message; invalid for none.
func decodeToken(body []byte) netip.Addr {
	for a := scan(body[unix.SizeofIfInfomsg:]); a.next(); {
		if a.typ != unix.IFLA_AF_SPEC {
			continue
		}
		for f := scan(a.val); f.next(); {
			if f.typ != unix.AF_INET6 {
				continue
			}
			for n := scan(f.val); n.next(); {
				if n.typ == unix.IFLA_INET6_TOKEN {
					return tokenOf(n.addr())
				}
			}
		}
	}
	return netip.Addr{}
}

// tokenOf is invalid for "::", which is the kernel's word for none.
func tokenOf(ip netip.Addr) netip.Addr {
	if ip.IsUnspecified() {
		return netip.Addr{}
	}
	return ip
}

// hasAutomatic tells whether any link has an automatic address.
func hasAutomatic(s *snapshot, _ want) bool {
	for _, a := range s.Addresses {
		if a.automatic() {
			return true
		}
	}
	return false
}

// tokens puts interface identifiers back. The kernel takes none for a link that
// does not accept advertisements.
func (r *restorer) tokens() []extra {
	var list []extra
	for _, was := range r.was.Links {
		now := r.pair(was)
		if now == nil || was.INet6.Token == now.INet6.Token || !r.all && !r.remade[was.Name] {
			continue
		}
		token := was.INet6.Token
		if !token.IsValid() {
			token = netip.IPv6Unspecified()
		}
		list = append(list, extra{
			op: "restore IPv6 token " + token.String(), object: was.Name, fine: []unix.Errno{unix.EINVAL, unix.EAFNOSUPPORT},
			msg: setINet6(&link{index: now.Index}, func(e *encoder) { e.addr(unix.IFLA_INET6_TOKEN, token) }),
		})
	}
	return list
}
