package lab

import (
	"testing"
	"time"
)

// pause is the time between two looks at a condition.
const pause = 50 * time.Millisecond

// Await waits until cond holds and ends the test when it does not within d. Emulation is slow and the machine may be
// crowded: d is the time after which nobody would wait any longer, 60 s or more; 0 is 60 s.
func Await(t testing.TB, what string, d time.Duration, cond func() bool) {
	t.Helper()
	if !Eventually(d, cond) {
		t.Fatalf("not within %v: %s", orPatience(d), what)
	}
}

// orPatience is d, or a minute when d is not positive.
func orPatience(d time.Duration) time.Duration {
	if d <= 0 {
		return time.Minute
	}
	return d
}

// Eventually waits until cond holds, at most d (0 is 60 s), and tells whether it does.
func Eventually(d time.Duration, cond func() bool) bool {
	for end := time.Now().Add(orPatience(d)); ; {
		if cond() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
		time.Sleep(pause)
	}
}
