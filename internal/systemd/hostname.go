package systemd

import "context"

const (
	hostnameName  = "org.freedesktop.hostname1"
	hostnamePath  = "/org/freedesktop/hostname1"
	hostnameIface = "org.freedesktop.hostname1"
)

// SetHostname sets the transient host name; empty takes the static one
// (org.freedesktop.hostname1(5)).
func (b *Bus) SetHostname(ctx context.Context, name string) error {
	return b.call(ctx, hostnameName, hostnamePath, hostnameIface+".SetHostname", nil, name, false)
}

// SetStaticHostname sets the name in /etc/hostname; empty removes it.
func (b *Bus) SetStaticHostname(ctx context.Context, name string) error {
	return b.call(ctx, hostnameName, hostnamePath, hostnameIface+".SetStaticHostname", nil, name, false)
}
