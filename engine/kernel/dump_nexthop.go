package kernel

import (
	"context"

	"golang.org/x/sys/unix"
)

// Size of struct nhmsg, and attributes of a next hop object (NHA_*,
// include/uapi/linux/nexthop.h).
const (
	nexthopSize  = 8
	nexthopID    = 1
	nexthopGroup = 2
	nexthopLink  = 5
)

// readNexthops dumps the next hop objects (Linux 5.3), whole.
func readNexthops(ctx context.Context, c *conn, s *snapshot, _ want) (err error) {
	s.Nexthops, err = dumpAll(ctx, c, unix.RTM_GETNEXTHOP, make([]byte, nexthopSize), func(body []byte) (rawObject, bool, error) {
		if len(body) < nexthopSize {
			return rawObject{}, false, short("next hop", body)
		}
		return rawObject{Body: append([]byte(nil), body...)}, true, nil
	})
	return err
}

// attributes are those of a next hop object.
func (o rawObject) attributes() map[uint16][]byte {
	return attributes(o.Body[min(nexthopSize, len(o.Body)):])
}
