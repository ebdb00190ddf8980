package holdfast

import "holdfast/probe"

// Defaults are what a Host does unless it is told otherwise with each change.
type Defaults struct {
	// Probes are asked by every change, beside those that it asks for itself.
	Probes []probe.Spec
	// ProbeDir has the programs of exec probes; DefaultProbeDir if empty.
	ProbeDir string
	// Keep is how many generations are kept; 50 if it is 0.
	Keep int
}

// SetDefaults changes them, for every change that begins from now on.
func (h *Host) SetDefaults(d Defaults) {
	if d.ProbeDir == "" {
		d.ProbeDir = DefaultProbeDir
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.defaults = &d
}

// currentDefaults are those of SetDefaults, or of the Options.
func (h *Host) currentDefaults() Defaults {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := Defaults{Probes: h.options.Probes, ProbeDir: h.options.ProbeDir}
	if h.defaults != nil {
		d = *h.defaults
	}
	if d.Keep == 0 {
		d.Keep = keepGenerations
	}
	return d
}
