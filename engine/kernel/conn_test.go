package kernel

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// wireMessage builds one netlink message as the kernel would send it.
func wireMessage(typ, flags uint16, seq uint32, body []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(headerSize+len(body)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = append(b, body...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// wireAck builds an acknowledgement; text goes into an extended one.
func wireAck(seq uint32, errno unix.Errno, text string) []byte {
	body := binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
	body = append(body, wireMessage(unix.RTM_NEWLINK, 0, seq, nil)...)
	flags := uint16(unix.NLM_F_CAPPED)
	if text != "" {
		flags |= unix.NLM_F_ACK_TLVS
		body = appendU32(body, unix.NLMSGERR_ATTR_OFFS, 20)
		body = appendAttr(body, unix.NLMSGERR_ATTR_MSG, append([]byte(text), 0))
	}
	return wireMessage(unix.NLMSG_ERROR, flags, seq, body)
}

func TestAckReader(t *testing.T) {
	r := ackReader{first: 100, results: make([]error, 4), acked: make([]bool, 4), offset: 10}
	var seen []int
	r.each = func(i int, _ []byte) { seen = append(seen, i) }
	datagrams := [][]byte{
		append(wireAck(102, unix.EINVAL, "Bad MTU."), wireAck(100, 0, "")...), // out of order, two in one
		wireAck(77, unix.EPERM, ""),                             // of another batch
		wireMessage(unix.RTM_NEWLINK, 0, 101, make([]byte, 16)), // an answer
		wireAck(101, 0, ""),
		wireAck(101, unix.EBUSY, ""), // the first one counts
	}
	for _, d := range datagrams {
		if err := r.read(d); err != nil {
			t.Fatal(err)
		}
	}
	if r.complete() {
		t.Error("complete with one acknowledgement missing")
	}
	if err := r.read(wireAck(104, 0, "")); err != nil || !r.complete() {
		t.Errorf("the barrier does not complete: %v", err)
	}
	r.lose(errLost)
	want := []string{"", "", "invalid argument (Bad MTU)", errLost.Error()}
	var got []string
	for _, err := range r.results {
		text := ""
		if err != nil {
			text = err.Error()
		}
		got = append(got, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{11}, seen); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestAckOfUncappedError(t *testing.T) {
	// Without NETLINK_CAP_ACK the whole request stands before the attributes.
	request := wireMessage(unix.RTM_NEWLINK, 0, 5, []byte("a request body"))
	body := binary.NativeEndian.AppendUint32(nil, ^uint32(unix.ENODEV)+1)
	body = append(body, request...)
	body = appendAttr(body, unix.NLMSGERR_ATTR_MSG, []byte("No such link\x00"))
	err := ackOf(message{typ: unix.NLMSG_ERROR, flags: unix.NLM_F_ACK_TLVS, body: body})
	var ack *ackError
	if !errors.As(err, &ack) || ack.Errno != unix.ENODEV || ack.Text != "No such link" {
		t.Errorf("got %#v", err)
	}
}

func TestWalkDump(t *testing.T) {
	done := func(errno unix.Errno, flags uint16) []byte {
		return wireMessage(unix.NLMSG_DONE, unix.NLM_F_MULTI|flags, 9, binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno))))
	}
	part := func(flags uint16) []byte {
		return wireMessage(unix.RTM_NEWLINK, unix.NLM_F_MULTI|flags, 9, []byte{1, 2, 3})
	}
	stale := wireMessage(unix.RTM_NEWLINK, unix.NLM_F_MULTI, 8, []byte{9})
	for _, c := range []struct {
		name        string
		datagrams   [][]byte
		parts       int
		interrupted bool
		err         error
	}{
		{"whole", [][]byte{append(part(0), part(0)...), done(0, 0)}, 2, false, nil},
		{"stale answers", [][]byte{append(stale, part(0)...), stale, done(0, 0)}, 1, false, nil},
		{"interrupted in a part", [][]byte{part(unix.NLM_F_DUMP_INTR), done(0, 0)}, 1, true, nil},
		{"interrupted at the end", [][]byte{part(0), done(0, unix.NLM_F_DUMP_INTR)}, 1, true, nil},
		{"refused", [][]byte{wireAck(9, unix.EPERM, "")}, 0, false, unix.EPERM},
		{"failed at the end", [][]byte{part(0), done(unix.EMSGSIZE, 0)}, 1, false, unix.EMSGSIZE},
	} {
		t.Run(c.name, func(t *testing.T) {
			var interrupted, finished bool
			var first error
			parts := 0
			for _, d := range c.datagrams {
				var err error
				finished, err = walkDump(d, 9, &interrupted, &first, func(message) error { parts++; return nil })
				if err != nil {
					t.Fatal(err)
				}
			}
			if !finished || parts != c.parts || interrupted != c.interrupted || !errors.Is(first, c.err) {
				t.Errorf("finished %v, %d parts, interrupted %v, error %v", finished, parts, interrupted, first)
			}
		})
	}
}

func TestWalkDumpDamaged(t *testing.T) {
	whole := wireMessage(unix.RTM_NEWLINK, 0, 9, []byte{1, 2, 3, 4})
	for n := 1; n < len(whole); n++ {
		var interrupted bool
		var first error
		_, err := walkDump(whole[:n], 9, &interrupted, &first, func(message) error { return nil })
		if err == nil {
			t.Errorf("%d of %d bytes are read without an error", n, len(whole))
		}
	}
}

func TestAttrScanner(t *testing.T) {
	b := appendU32(nil, 1, 7)
	b = appendAttr(b, 2|unix.NLA_F_NESTED, []byte{1, 2, 3})
	b = appendAttr(b, 3, nil)
	a := scan(b)
	var types []uint16
	for a.next() {
		types = append(types, a.typ)
		if a.typ == 1 && a.u32() != 7 {
			t.Errorf("value %d, want 7", a.u32())
		}
	}
	if diff := cmp.Diff([]uint16{1, 2, 3}, types); diff != "" || a.err != nil {
		t.Errorf("error %v, types (-want +got):\n%s", a.err, diff)
	}
	a = scan(appendAttr(nil, 4, []byte{1}))
	if a.next(); a.u32() != 0 || a.err == nil {
		t.Error("a value of one byte is read as four without an error")
	}
	for _, damaged := range [][]byte{{200, 0, 1, 0}, {3, 0, 1, 0}, {0, 0, 0, 0, 0}} {
		a := scan(damaged)
		if a.next() || a.err == nil {
			t.Errorf("% x: no error", damaged)
		}
	}
}
