package transaction

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Signal is the cause of a context that a signal ended.
type Signal struct {
	// Signal is which one.
	Signal os.Signal
}

// Error is "stopped by the signal" and the signal's name.
func (s *Signal) Error() string { return "stopped by the signal \"" + s.Signal.String() + "\"" }

// WithSignals makes a context that ends with a *Signal as its cause when the
// process gets SIGINT or SIGTERM, so that a transaction under it rolls back.
// SIGHUP and SIGPIPE do nothing until stop is called: the terminal or the ssh
// session may go while the host is being changed; nor does SIGTSTP (Ctrl-Z), which
// would leave the host half-way. Stop must be called; the signals do afterwards
// what they did before.
func WithSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	// Caught and dropped rather than ignored: ignoring would be inherited.
	drop := make(chan os.Signal, 1)
	signal.Notify(drop, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGTSTP)
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case s := <-end:
				cancel(&Signal{Signal: s})
			case <-drop:
			case <-stopped:
				return
			}
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(end)
		signal.Stop(drop)
		close(stopped)
		<-ended
		cancel(nil)
	})
}
