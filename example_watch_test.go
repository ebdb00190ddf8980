package holdfast_test

import (
	"context"
	"fmt"

	"holdfast"
	"holdfast/monitor"
	"holdfast/state"
)

// Watch what happens on a host until a link appears.
func ExampleHost_Watch() {
	host, memory := newHost()
	defer func() { _ = host.Close() }()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	err := host.Watch(ctx, func(e holdfast.Event) error {
		switch {
		case e.Kind == monitor.Ready: // nothing is missed from here on
			return plugIn(memory, &state.Interface{Name: "d0", Type: state.TypeDummy})
		case e.Kind == monitor.Link && e.What == monitor.Appeared:
			fmt.Println(e.Object, e.Type, e.To)
			stop()
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: d0 dummy down
}
