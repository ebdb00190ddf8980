package systemd

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// MoveToScope puts processes into a transient scope unit of the system's slice
// (org.freedesktop.systemd1(5), StartTransientUnit): out of the session that
// they were started in, whose end may kill all that is in it. It returns when
// systemd took the job on.
func (b *Bus) MoveToScope(ctx context.Context, name, description string, pids []int) error {
	type property struct {
		Name  string
		Value dbus.Variant
	}
	type auxiliary struct {
		Name       string
		Properties []property
	}
	list := make([]uint32, len(pids))
	for i, pid := range pids {
		list[i] = uint32(pid)
	}
	var job dbus.ObjectPath
	return b.call(ctx, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager.StartTransientUnit", []any{&job},
		name+".scope", "fail", []property{
			{"Description", dbus.MakeVariant(description)},
			{"PIDs", dbus.MakeVariant(list)},
			{"Slice", dbus.MakeVariant("system.slice")},
			{"CollectMode", dbus.MakeVariant("inactive-or-failed")},
		}, []auxiliary{})
}
