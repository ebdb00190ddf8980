package cli

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"holdfast/api"
)

// notify tells systemd how the daemon is (sd_notify(3)): lines of NAME=VALUE.
// Without systemd nobody is told.
func notify(log *slog.Logger, text string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.Dial("unixgram", path) // a leading @ is the abstract namespace to Go, too
	if err == nil {
		_, err = conn.Write([]byte(text))
		_ = conn.Close()
	}
	if err != nil {
		log.Warn("systemd cannot be told", "what", text, "err", err)
	}
}

// watchdog is the task that tells systemd that the daemon lives, as long as it
// answers at its own socket (sd_watchdog_enabled(3)).
type watchdog struct {
	socket string
	log    *slog.Logger
}

// String names the task.
func (w *watchdog) String() string { return "watchdog" }

// Run tells it until ctx ends.
func (w *watchdog) Run(ctx context.Context) error {
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	pid := os.Getenv("WATCHDOG_PID")
	if err != nil || micros <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		<-ctx.Done()
		return nil
	}
	every := time.Duration(micros) * time.Microsecond / 3
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, every)
		client := api.Unix(w.socket)
		_, err := client.Hello(try)
		_ = client.Close()
		cancel()
		if err == nil {
			notify(w.log, "WATCHDOG=1")
		} else if ctx.Err() == nil {
			w.log.Warn("the daemon does not answer itself", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
