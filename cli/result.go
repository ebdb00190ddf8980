package cli

import (
	"fmt"
	"strings"
	"time"

	"holdfast"
	"holdfast/transaction"
)

// success is what a command that changes the host prints with -o json.
// Generation and transaction are null where nothing was recorded.
type success struct {
	Outcome     transaction.Outcome `json:"outcome"`
	Generation  *int                `json:"generation"`
	Transaction *string             `json:"transaction"`
	Steps       int                 `json:"steps"`
	Warnings    []string            `json:"warnings"`
	Probes      []probed            `json:"probes"`
	// Confirm is there while the change waits to be confirmed.
	Confirm *deadline `json:"confirm,omitempty"`
	// Journal is where rollback --abandon put it.
	Journal string `json:"journal,omitempty"`
}

// deadline tells until when a change can be confirmed.
type deadline struct {
	// Within and Left are in seconds: what was given, and what is left of it.
	Within float64   `json:"within"`
	Left   float64   `json:"left"`
	Until  time.Time `json:"until"`
}

// probed is what one probe came to.
type probed struct {
	When  transaction.Occasion `json:"when"`
	Probe string               `json:"probe"`
	OK    bool                 `json:"ok"`
	Error string               `json:"error,omitempty"`
	// Seconds is how long it took, retries included.
	Seconds float64 `json:"seconds"`
}

func newProbed(answers []transaction.ProbeAnswer) []probed {
	list := make([]probed, len(answers))
	for i, p := range answers {
		list[i] = probed{When: p.When, Probe: p.Probe, OK: p.OK, Error: p.Error, Seconds: p.Took.Seconds()}
	}
	return list
}

func newSuccess(r *holdfast.Result) success {
	s := success{Outcome: r.Outcome, Steps: r.Steps, Warnings: orEmpty(r.Warnings), Probes: newProbed(r.Probes)}
	if r.Generation > 0 {
		s.Generation = &r.Generation
	}
	if r.Transaction != "" {
		s.Transaction = &r.Transaction
	}
	return s
}

// orEmpty is a list that JSON writes as one.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// printResult tells what a transaction came to that did not fail.
func (a *app) printResult(r *holdfast.Result, format string, v *vigil) error {
	if r.Outcome == transaction.Pending {
		return nil // v has told it, and a daemon stays with it
	}
	if format == "json" {
		a.out.json(newSuccess(r))
		return nil
	}
	a.warn(r.Warnings)
	if r.Outcome == transaction.Unchanged {
		_, _ = fmt.Fprintln(a.out, "Nothing to do: the host is as "+v.said+noted(r)+".")
		return nil
	}
	paint := a.painter(a.out)
	applied, confirmed := v.times()
	text := fmt.Sprintf("%s %s in %.1f s", paint(green, "Applied:"), count(r.Steps, "step"), applied.Seconds())
	if confirmed > 0 {
		text += fmt.Sprintf(", confirmed after %.0f s", confirmed.Seconds())
	}
	_, _ = fmt.Fprintln(a.out, text+naming(r)+".")
	for _, p := range r.Probes {
		if p.When == transaction.After && p.OK {
			_, _ = fmt.Fprintf(a.out, "  %s is reachable, after %s\n", p.Probe, p.Took.Round(time.Millisecond))
		}
	}
	return nil
}

// naming names the change at the end of a sentence; empty if it has no name.
func naming(r *holdfast.Result) string {
	if r.Generation == 0 && r.Transaction == "" {
		return ""
	}
	return " (" + strings.TrimSuffix(named(r), ",") + ")"
}

// noted tells that something was recorded although the host was not touched.
func noted(r *holdfast.Result) string {
	if r.Generation == 0 {
		return ""
	}
	return fmt.Sprintf("; it is kept as generation %d", r.Generation)
}

// count is "1 step" or "n steps".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
