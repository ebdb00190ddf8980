package state

import (
	"fmt"
	"strings"
	"testing"
)

// largeDocument is a host of n VLANs, each under its own bridge.
func largeDocument(n int) []byte {
	var b strings.Builder
	b.WriteString("interfaces:\n")
	for i := range n {
		fmt.Fprintf(&b, "- name: bond0.%d\n  type: vlan\n  state: up\n  mtu: 1500\n  vlan:\n    base-iface: bond0\n    id: %d\n", i, i%4094+1)
		fmt.Fprintf(&b, "- name: br%d\n  type: linux-bridge\n  state: up\n  mac-address: 52:54:00:12:%02x:%02x\n", i, i/256, i%256)
		fmt.Fprintf(&b, "  ipv4:\n    enabled: true\n    address:\n    - ip: 10.%d.%d.1\n      prefix-length: 24\n", i/256, i%256)
		fmt.Fprintf(&b, "  bridge:\n    options:\n      stp:\n        enabled: false\n    port:\n    - name: bond0.%d\n", i)
	}
	return []byte(b.String())
}

func BenchmarkParseYAML(b *testing.B) { benchmarkParse(b, largeDocument(1000)) }

func BenchmarkParseJSON(b *testing.B) {
	s, err := Parse("bench", largeDocument(1000))
	if err != nil {
		b.Fatal(err)
	}
	benchmarkParse(b, EncodeJSON(s))
}

func benchmarkParse(b *testing.B, data []byte) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("bench", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeYAML(b *testing.B) {
	s, err := Parse("bench", largeDocument(1000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		EncodeYAML(s)
	}
}
