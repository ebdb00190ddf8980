package systemd

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"
)

const (
	managerName  = "org.freedesktop.systemd1"
	managerPath  = "/org/freedesktop/systemd1"
	managerIface = "org.freedesktop.systemd1.Manager"
)

// RestartUnit restarts a unit if it runs and waits until that is done
// (org.freedesktop.systemd1(5), TryRestartUnit and JobRemoved).
func (b *Bus) RestartUnit(ctx context.Context, unit string) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	match := []dbus.MatchOption{dbus.WithMatchInterface(managerIface), dbus.WithMatchMember("JobRemoved")}
	if err := b.conn.AddMatchSignalContext(ctx, match...); err != nil {
		return err
	}
	removed := make(chan *dbus.Signal, 64)
	b.conn.Signal(removed)
	defer b.conn.RemoveSignal(removed)
	if err := b.call(ctx, managerName, managerPath, managerIface+".Subscribe", nil); err != nil {
		return err
	}
	var job dbus.ObjectPath
	if err := b.call(ctx, managerName, managerPath, managerIface+".TryRestartUnit", []any{&job}, unit, "replace"); err != nil {
		return err
	}
	return awaitJob(ctx, removed, job, unit)
}

// awaitJob waits for the end of a job and tells how it went.
func awaitJob(ctx context.Context, removed <-chan *dbus.Signal, job dbus.ObjectPath, unit string) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("restart %s: %w", unit, ctx.Err())
		case signal, open := <-removed:
			if !open {
				return fmt.Errorf("restart %s: the bus closed the connection", unit)
			}
			if len(signal.Body) < 4 || signal.Body[1] != job {
				continue
			}
			if result, _ := signal.Body[3].(string); result != "done" {
				return fmt.Errorf("restart %s: %s", unit, result)
			}
			return nil
		}
	}
}
