package kernel

import (
	"context"
	"errors"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/state"
)

// nicSettings is what ethtool tells of one NIC.
type nicSettings struct {
	// AutoNegotiation is nil where the driver has none to tell.
	AutoNegotiation *bool
	// Speed is in Mb/s, nil without a carrier; Duplex is empty then.
	Speed  *uint32
	Duplex state.Duplex
	// Details is the schema's section ethtool; nil unless asked for.
	Details state.Raw
}

// An ethtoolQuery is one of ethtool's questions about a NIC.
type ethtoolQuery struct {
	command uint8
	header  uint16 // attribute with the name of the NIC
	details bool   // asked only for people
	decode  func(n *nicSettings, a attrScanner)
}

var ethtoolQueries = []ethtoolQuery{
	{command: unix.ETHTOOL_MSG_LINKMODES_GET, header: unix.ETHTOOL_A_LINKMODES_HEADER, decode: decodeLinkModes},
	{command: unix.ETHTOOL_MSG_PAUSE_GET, header: unix.ETHTOOL_A_PAUSE_HEADER, details: true, decode: decodePause},
	{command: unix.ETHTOOL_MSG_RINGS_GET, header: unix.ETHTOOL_A_RINGS_HEADER, details: true, decode: decodeRings},
	{command: unix.ETHTOOL_MSG_COALESCE_GET, header: unix.ETHTOOL_A_COALESCE_HEADER, details: true, decode: decodeCoalesce},
	{command: unix.ETHTOOL_MSG_FEATURES_GET, header: unix.ETHTOOL_A_FEATURES_HEADER, details: true, decode: decodeFeatures},
}

// readNICs asks ethtool about the physical Ethernet links, all questions in one
// send. What a driver or a kernel before 5.6 does not answer stays unknown.
func readNICs(ctx context.Context, c *conn, s *snapshot, options engine.ShowOptions) (map[int]*nicSettings, error) {
	nics := make(map[int]*nicSettings)
	if c.generic == nil {
		return nics, nil
	}
	var msgs []netlink.Message
	var answers []func([]byte)
	for _, l := range s.Links {
		if typeOf(l) != state.TypeEthernet {
			continue
		}
		n := &nicSettings{}
		nics[l.Index] = n
		for _, q := range ethtoolQueries {
			if !q.details || options.Details {
				msgs = append(msgs, netlink.Message{Data: q.request(l.Index)})
				answers = append(answers, func(body []byte) { q.decode(n, scan(body)) })
			}
		}
	}
	if len(msgs) == 0 {
		return nics, nil
	}
	return nics, askEthtool(ctx, c.generic, msgs, answers)
}

// askEthtool sends the questions and hands each its answer, without the header.
func askEthtool(ctx context.Context, c *conn, msgs []netlink.Message, answers []func([]byte)) error {
	family, err := c.ethtoolFamily(ctx)
	if err != nil || family == 0 {
		return err
	}
	for i := range msgs {
		msgs[i].Header.Type = netlink.HeaderType(family)
	}
	errs := c.ask(ctx, msgs, func(i int, body []byte) {
		if len(body) >= genericHeaderSize {
			answers[i](body[genericHeaderSize:])
		}
	})
	for _, err := range errs {
		if errors.Is(err, errLost) || (err != nil && ctx.Err() != nil) {
			return newOpError("read the NICs' settings", "", err)
		}
	}
	return nil
}

// genericHeaderSize is that of struct genlmsghdr.
const genericHeaderSize = 4

// request builds the question about one NIC. Bit sets are asked for by name,
// the long form: NICs are few and the numbers are not stable.
func (q *ethtoolQuery) request(index int) []byte {
	header := appendU32(nil, unix.ETHTOOL_A_HEADER_DEV_INDEX, uint32(index))
	b := []byte{q.command, unix.ETHTOOL_GENL_VERSION, 0, 0}
	return appendAttr(b, q.header|unix.NLA_F_NESTED, header)
}

// ethtoolFamily asks for the number of the family "ethtool", 0 if the kernel
// does not have it.
func (c *conn) ethtoolFamily(ctx context.Context) (uint16, error) {
	body := appendAttr([]byte{unix.CTRL_CMD_GETFAMILY, 1, 0, 0}, unix.CTRL_ATTR_FAMILY_NAME, []byte("ethtool\x00"))
	msg := netlink.Message{Header: netlink.Header{Type: unix.GENL_ID_CTRL}, Data: body}
	var family uint16
	errs := c.ask(ctx, []netlink.Message{msg}, func(_ int, body []byte) {
		if len(body) < genericHeaderSize {
			return
		}
		for a := scan(body[genericHeaderSize:]); a.next(); {
			if a.typ == unix.CTRL_ATTR_FAMILY_ID {
				family = a.u16()
			}
		}
	})
	if errs[0] != nil && !errors.Is(errs[0], unix.ENOENT) {
		return 0, newOpError("find ethtool", "", errs[0])
	}
	return family, nil
}

// nic writes what ethtool told.
func (v *view) nic(l *rawLink, i *state.Interface) {
	n := v.nics[l.Index]
	if n == nil {
		return
	}
	if n.AutoNegotiation != nil || n.Speed != nil || n.Duplex != "" {
		i.Ethernet = &state.Ethernet{AutoNegotiation: n.AutoNegotiation, Speed: n.Speed, Duplex: n.Duplex}
	}
	i.Ethtool = n.Details
}
