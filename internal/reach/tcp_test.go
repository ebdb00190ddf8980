package reach

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"holdfast/lab"
)

func TestTCP(t *testing.T) {
	_, open := listener(t)
	closed := closedPort(t)
	for _, tt := range []struct {
		name   string
		target Target
		port   uint16
		want   string
	}{
		{"open", Target{Host: "127.0.0.1"}, open, ""},
		{"open, by its link", Target{Host: "127.0.0.1", Interface: "lo"}, open, ""},
		{"refused", Target{Host: "127.0.0.1"}, closed, "connection refused"},
		{"no such link", Target{Host: "127.0.0.1", Interface: "gone0"}, open, "there is no interface gone0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, TCP(within(t, patience), tt.target, tt.port), tt.want)
		})
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"tcp":  TCP(ctx, Target{Host: "127.0.0.1"}, 9),
		"http": HTTP(ctx, Request{URL: "http://127.0.0.1:9/"}),
		"dns":  DNS(ctx, Query{Name: "example.test", Server: netip.MustParseAddrPort("127.0.0.1:9")}),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRace(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.3")}
	refused := errors.New("connection refused")
	for _, tt := range []struct {
		name string
		errs []error
		want string
	}{
		{"one is enough", []error{refused, nil, noAnswer}, ""},
		{"all good", []error{nil, nil, nil}, ""},
		{"none", []error{refused, noAnswer, refused}, "192.0.2.1: connection refused; 2001:db8::1: no answer; 192.0.2.3: connection refused"},
		{"all late", []error{noAnswer, noAnswer}, "late: 192.0.2.1: no answer; 2001:db8::1: no answer"},
		{"one late", []error{noAnswer}, "late: no answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept, dropped := 0, 0
			_, err := race(t.Context(), addrs[:len(tt.errs)], func(_ context.Context, addr netip.Addr) (int, error) {
				for i, a := range addrs {
					if a == addr {
						return 1, tt.errs[i]
					}
				}
				return 0, nil
			}, func(int) { dropped++ })
			check(t, err, tt.want)
			for _, e := range tt.errs {
				if e == nil {
					kept = 1
				}
			}
			if good := count(tt.errs); dropped != max(0, good-kept) {
				t.Errorf("%d good ones, %d dropped", good, dropped)
			}
		})
	}
}

func count(errs []error) int {
	good := 0
	for _, e := range errs {
		if e == nil {
			good++
		}
	}
	return good
}

// TestRaceEndsTheOthers holds that the first answer ends what others wait for.
func TestRaceEndsTheOthers(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
	begun := time.Now()
	err := each(within(t, patience), addrs, func(ctx context.Context, addr netip.Addr) error {
		if addr == addrs[0] {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if took := time.Since(begun); err != nil || took >= patience {
		t.Errorf("error %v after %v", err, took)
	}
}

// TestDescriptors holds that nothing stays open, whatever comes of it.
func TestDescriptors(t *testing.T) {
	_, open := listener(t)
	closed := closedPort(t)
	mute := muteServer(t)
	try := func() {
		ctx, cancel := context.WithTimeout(t.Context(), brief)
		defer cancel()
		_ = TCP(ctx, Target{Host: "127.0.0.1"}, open)
		_ = TCP(ctx, Target{Host: "127.0.0.1"}, closed)
		_ = TCP(ctx, Target{Host: "127.0.0.1", Interface: "gone0"}, closed)
		_ = Ping(ctx, Target{Host: "127.0.0.1"})
		_ = Ping(ctx, Target{Host: "127.0.0.1", Interface: "gone0"})
		_ = Neighbor(ctx, Target{Host: "127.0.0.1", Interface: "lo"})
		_ = DNS(ctx, Query{Name: "example.test", Server: mute})
		_ = HTTP(ctx, Request{URL: "http://" + mute.String() + "/"})
	}
	try()
	before := descriptors(t)
	for range 5 {
		try()
	}
	lab.Await(t, "no more descriptors than before", patience, func() bool { return descriptors(t) <= before })
}

// TestPingLoopback runs wherever pinging is allowed.
func TestPingLoopback(t *testing.T) {
	err := Ping(within(t, patience), Target{Host: "127.0.0.1"})
	if errors.Is(err, errForbidden) {
		lab.Skip(t, err.Error())
	}
	check(t, err, "")
}
