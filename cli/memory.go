package cli

import "runtime/debug"

const (
	// gcPercent lets the heap grow fivefold between collections. A run lasts a
	// second and is over before most of its garbage would be worth collecting.
	gcPercent = 400
	// memoryLimit, in bytes, makes the collector work as hard as it must from
	// there on: an apply of a thousand networks stays below 64 MiB.
	memoryLimit = 48 << 20
)

// tuneMemory sets the collector up for a short run. It is called once, from
// Main, and not from an init, so that importers of this package are unharmed.
func tuneMemory() {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
}
