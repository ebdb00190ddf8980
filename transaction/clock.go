package transaction

import (
	"time"

	"golang.org/x/sys/unix"
)

// BootTime is the time since the host was started, suspended time included
// (CLOCK_BOOTTIME, clock_gettime(2)): the clock of deadlines, which mean the
// same in every process of one boot and do not follow the wall clock's jumps.
func BootTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic("internal error: read CLOCK_BOOTTIME: " + err.Error())
	}
	return time.Duration(now.Nano())
}

// tick is how often a deadline is looked at: Go's timers stand still while the
// host is suspended, and the deadline does not.
const tick = time.Second

// alarm rings when a clock has come to a time.
type alarm struct {
	clock func() time.Duration
	at    time.Duration
	timer *time.Timer
}

// left is the time to the alarm.
func (a *alarm) left() time.Duration { return a.at - a.clock() }

// newAlarm makes one; stop must be called.
func newAlarm(clock func() time.Duration, at time.Duration) *alarm {
	a := &alarm{clock: clock, at: at}
	a.timer = time.NewTimer(a.nap())
	return a
}

func (a *alarm) nap() time.Duration { return max(0, min(a.left(), tick)) }

// rings tells, when the timer has fired, whether it is time; if not, the timer
// runs again.
func (a *alarm) rings() bool {
	if a.left() <= 0 {
		return true
	}
	a.timer.Reset(a.nap())
	return false
}
