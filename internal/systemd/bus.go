// Package systemd speaks to systemd and its daemons over D-Bus: units of
// systemd itself, and the host name through systemd-hostnamed. Nothing is
// asked where no bus runs, and nothing is started by only looking.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
)

// ErrNoBus is returned where the host has no system bus.
var ErrNoBus = errors.New("no system bus")

// sockets are where the system bus listens unless DBUS_SYSTEM_BUS_ADDRESS says
// otherwise (D-Bus specification, "Well-known Message Bus Instances").
var sockets = []string{"/var/run/dbus/system_bus_socket", "/run/dbus/system_bus_socket"}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// wait bounds how long one call may take; starting a daemon may take long.
const wait = 60 * time.Second

// Booted tells whether systemd is process 1 of this host (sd_booted(3)).
// root is put before the path; empty is the host's own root.
func Booted(root string) bool {
	info, err := os.Lstat(filepath.Join("/", root, "run/systemd/system"))
	return err == nil && info.IsDir()
}

// Bus is a connection to the system bus.
type Bus struct{ conn *dbus.Conn }

// Connect opens a connection of its own to the system bus. It returns ErrNoBus
// where there is none.
func Connect(ctx context.Context) (*Bus, error) {
	// The library's own error for this cannot be told from others.
	if os.Getenv("DBUS_SYSTEM_BUS_ADDRESS") == "" && !slices.ContainsFunc(sockets, exists) {
		return nil, ErrNoBus
	}
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w: %w", ErrNoBus, err)
	}
	if err != nil {
		return nil, err
	}
	return &Bus{conn: conn}, nil
}

// Close ends the connection.
func (b *Bus) Close() error { return b.conn.Close() }

// call calls a method and stores its answer.
func (b *Bus) call(ctx context.Context, dest, path, method string, out []any, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	call := b.conn.Object(dest, dbus.ObjectPath(path)).CallWithContext(ctx, method, 0, args...)
	if call.Err != nil {
		return fmt.Errorf("%s: %w", method, call.Err)
	}
	return call.Store(out...)
}

// Owned tells whether somebody on the bus has the name; nothing is started.
func (b *Bus) Owned(ctx context.Context, name string) (bool, error) {
	var owned bool
	err := b.call(ctx, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", []any{&owned}, name)
	return owned, err
}
