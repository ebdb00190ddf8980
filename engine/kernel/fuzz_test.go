package kernel

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"holdfast/state"
)

// FuzzDecode hands any bytes to every decoder. What decodes must show without a
// panic, and in the same words each time; names and messages of the kernel's own
// are the seeds.
func FuzzDecode(f *testing.F) {
	for _, c := range wireCases(f) {
		for line := range strings.Lines(string(part(c.archive, "messages"))) {
			name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
			body, err := hex.DecodeString(text)
			if err != nil {
				f.Fatal(err)
			}
			n := slices.IndexFunc(dumpRequests, func(r dumpRequest) bool { return r.name == name })
			f.Add(uint8(n), body)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, input []byte) {
		body := slices.Clone(input)
		decodeOther(body)
		r := dumpRequests[int(which)%len(dumpRequests)]
		s := &snapshot{}
		if err := r.take(s, body); err != nil {
			return
		}
		first := state.EncodeYAML(stateOf(s, nil))
		clear(body) // a decoder that kept a piece of the buffer would notice
		if again := state.EncodeYAML(stateOf(s, nil)); !bytes.Equal(first, again) {
			t.Errorf("decoded values share the buffer, or their order is not fixed:\n%s\n%s", first, again)
		}
	})
}

// decodeOther runs the decoders whose results are not shown.
func decodeOther(body []byte) {
	_, _ = decodeMDB(body)
	_, _ = decodeNeighbour(body)
	_, _ = decodeTC(body)
	n := &nicSettings{}
	for _, q := range ethtoolQueries {
		q.decode(n, scan(body))
	}
}

// FuzzAnswers hands any bytes to what reads datagrams.
func FuzzAnswers(f *testing.F) {
	f.Add(wireAck(100, 0, ""))
	f.Add(wireAck(101, 22, "Invalid."))
	f.Add(wireMessage(3, 2, 100, []byte{0, 0, 0, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := ackReader{first: 100, results: make([]error, 2), acked: make([]bool, 2)}
		_ = r.read(b)
		r.lose(errLost)
		for i, ok := range r.acked {
			if !ok {
				t.Errorf("message %d is neither acknowledged nor lost", i)
			}
		}
		var interrupted bool
		var first error
		_, _ = walkDump(b, 100, &interrupted, &first, func(m message) error {
			if len(m.body) > len(b) {
				t.Error("body longer than the datagram")
			}
			return nil
		})
	})
}
