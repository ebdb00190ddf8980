package kernel_test

import (
	"testing"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/engine/kernel"
	"holdfast/lab"
)

// TestSuite runs the suite of all engines on a real kernel.
func TestSuite(t *testing.T) {
	if !lab.Inside() {
		lab.Require(t)
	}
	var opened *kernel.Engine
	calm := func(t *testing.T, f func()) {
		t.Helper()
		before := opened.Writes()
		f()
		if after := opened.Writes(); after != before {
			t.Errorf("%d writes", after-before)
		}
	}
	enginetest.Suite(t, calm, func(t *testing.T) engine.Engine {
		lab.Require(t)
		e, err := kernel.Open(kernel.Options{RunDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		opened = e
		t.Cleanup(func() { _ = e.Close() })
		return e
	})
}
