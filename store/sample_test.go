package store

import (
	"encoding/json"
	"testing"
	"time"

	"holdfast/state"
)

// A sample is a file as docs/store.md shows it.
type sample struct {
	// path is the file's, in the words of the page.
	path string
	data []byte
}

// samples are one file of each kind.
func samples(t testing.TB) []sample {
	t.Helper()
	must := func(data []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	meta := sampleMeta()
	return []sample{
		{"STATE/generations/00000012.json", must(encodeGeneration(sampleGeneration(t)))},
		{"STATE/generations/00000013.outcome.json", must(seal(sampleOutcome(), wideDepth))},
		{"STATE/journal.json", must(encodeJournal(sampleJournal()))},
		{"RUN/phase.json", must(encodeMark(mark{
			Transaction: meta.Transaction, Number: 12, Boot: "2c8f5a3e-6d0b-4d5f-9d59-0c7e4b1f2a10", Phase: Waiting,
			Deadline: 86_460_000_000_000,
		}))},
	}
}

func sampleMeta() Meta {
	return Meta{
		Number: 12, Transaction: "20260314-091502-3f9c", Time: time.Date(2026, 3, 14, 9, 15, 2, 0, time.UTC),
		Who:     Who{UID: 1000, User: "anna", Command: "holdfast apply br0.yml --confirm 60s", Via: "cli"},
		Purpose: "apply br0.yml", Summary: []string{"br0: created", "eth0: port of br0"}, Engine: "kernel",
	}
}

func sampleGeneration(t testing.TB) *Generation {
	t.Helper()
	read := func(text string) *state.State {
		s, err := state.Parse("sample", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const eth0 = `{"name": "eth0", "type": "ethernet", "state": "up"}`
	const br0 = `{"name": "br0", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "eth0"}]},
		"ipv4": {"enabled": true, "address": [{"ip": "192.0.2.5", "prefix-length": 24}]}}`
	return &Generation{
		Meta: sampleMeta(),
		Running: read(`{"interfaces": [` + br0 + `,` + eth0 + `], "routes": {"config": [
			{"destination": "0.0.0.0/0", "next-hop-interface": "br0", "next-hop-address": "192.0.2.1"}]}}`),
		Persistent: read(`{"interfaces": [` + eth0 + `]}`),
	}
}

func sampleOutcome() outcomeFile {
	meta := sampleMeta()
	meta.Number, meta.Transaction, meta.Summary = 13, "20260314-092240-a71e", []string{"eth0: mtu 1500 → 9000"}
	return outcomeFile{
		head: head{kindOutcome, Version}, Meta: meta, Outcome: RolledBack, Attempts: 1,
		Error: "after the change the probe \"gateway\" fails: 192.0.2.1 does not answer", Took: span(8300 * time.Millisecond),
	}
}

func sampleJournal() *Journal {
	return &Journal{
		Meta: sampleMeta(), Boot: "2c8f5a3e-6d0b-4d5f-9d59-0c7e4b1f2a10", Namespace: "net:[4026531840]", Owner: 4711,
		Request:    json.RawMessage(`{"interfaces":[{"name":"br0","type":"linux-bridge"}]}`),
		Plan:       json.RawMessage(`{"steps":[{"verb":"create","object":"br0"}]}`),
		Checkpoint: []byte(`{"version":1,"network":{}}`), ConfirmWithin: time.Minute, Deadline: 86_460_000_000_000,
	}
}
