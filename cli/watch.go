package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/internal/notice"
	"holdfast/monitor"
)

const watchLong = `Print what happens on the host, as it happens: links, addresses, routes and rules
that come, go and change, carrier, the steps and outcomes of changes that
holdfast makes, and drift: in what the host is not what holdfast answers for, and
who made the routes that are there instead.

What happens within a fraction of a second is shown together, in an order in which
it can have happened. What comes and goes within it is not shown. The first event
says that from then on nothing is missed.

  -o text   a line for each event (the default)
  -o json   a JSON object on a line for each event

It goes on until Ctrl-C, which is no failure, or until nobody reads it any more.
No privileges are needed; without them changes that holdfast makes, and drift, are
not shown.`

const watchExample = `  holdfast watch
  holdfast watch -o json | jq -c 'select(.event == "drift")'`

func newWatch(a *app) *cobra.Command {
	return command(&cobra.Command{
		Use:         "watch",
		Short:       "Print what happens on the host, as it happens",
		Long:        watchLong,
		Annotations: formats("text", "json"),
		Example:     watchExample,
		Args:        noArguments,
		RunE:        func(c *cobra.Command, _ []string) error { return a.watch(c) },
	})
}

// errNoReader ends a watch that nobody reads.
var errNoReader = errors.New("nobody reads the output")

func (a *app) watch(c *cobra.Command) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	host, err := a.openHere()
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends what a reader that reads no more keeps from ending.
	context.AfterFunc(ctx, stop)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		a.out.awaitEnd(ctx, func() { cancel(errNoReader) })
	}()
	defer func() { cancel(nil); <-looked }()
	paint := a.painter(a.out)
	err = host.Watch(ctx, func(e holdfast.Event) error {
		if format == "json" {
			a.out.json(e)
		} else {
			_, _ = fmt.Fprintln(a.out, eventLine(paint, e))
		}
		if a.out.ended() {
			return errNoReader
		}
		return nil
	})
	if errors.Is(err, errNoReader) {
		return nil
	}
	return err
}

// ended tells whether writing makes no sense any more.
func (s *sink) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone || s.err != nil
}

// awaitEnd looks now and then whether anybody can still read the output, also
// when nothing is written, and calls gone when not.
func (s *sink) awaitEnd(ctx context.Context, gone func()) {
	file, ok := s.to.(*os.File)
	if !ok {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if notice.ReaderGone(file) {
			gone()
			return
		}
	}
}

// eventLine is an event for people.
func eventLine(paint painter, e holdfast.Event) string {
	words := []string{paint(dim, e.Time.Local().Format("15:04:05.000"))}
	switch e.Kind {
	case monitor.Ready:
		words = append(words, "watching", readyText(e))
	case monitor.Lost:
		words = append(words, paint(yellow, fmt.Sprintf("%d events were lost, since they were not read in time", e.Count)))
	case monitor.Resync:
		words = append(words, paint(yellow, "notices were lost: what differs follows"))
	case monitor.Transaction:
		words = append(words, transactionText(paint, e))
	case monitor.Drift:
		words = append(words, driftText(paint, e))
	default:
		words = append(words, string(e.Kind), paint(bold, e.Object), objectText(paint, e))
	}
	return strings.Join(words, " ")
}

func readyText(e holdfast.Event) string {
	switch {
	case e.Error != "":
		return "(" + e.Error + ")"
	case e.Generation == 0:
		return "(nothing was applied yet)"
	}
	return fmt.Sprintf("(generation %d)", e.Generation)
}

// objectText says what happened to a link, an address, a route and so on.
func objectText(paint painter, e holdfast.Event) string {
	var words []string
	if e.Address != "" {
		words = append(words, paint(bold, e.Address))
	}
	words = append(words, paint(whatColor(e.What), string(e.What)))
	if e.Key != "" {
		words = append(words, e.Key)
	}
	switch {
	case e.What == monitor.Renamed:
		words = append(words, "from", e.From)
	case e.What == monitor.Changed:
		words = append(words, orNone(e.From), "→", orNone(e.To))
	case e.To != "" && e.To != string(e.What):
		words = append(words, "("+e.To+")")
	}
	if e.Protocol != "" && e.Key != "protocol" {
		words = append(words, "by", e.Protocol)
	}
	return strings.Join(words, " ")
}

func whatColor(w monitor.What) color {
	switch w {
	case monitor.Appeared, monitor.Added, monitor.Up, monitor.Ended, "applied":
		return green
	case monitor.Vanished, monitor.Removed, monitor.Down, monitor.Began, "rolled-back", "rollback-failed":
		return red
	}
	return yellow
}

func transactionText(paint painter, e holdfast.Event) string {
	text := fmt.Sprintf("transaction %s %s", e.Object, paint(whatColor(e.What), string(e.What)))
	if e.What == monitor.Step {
		return fmt.Sprintf("%s %d of %d: %s", text, e.Done, e.Total, e.To)
	}
	if e.Generation != 0 {
		text += fmt.Sprintf(" (generation %d)", e.Generation)
	}
	if e.Purpose != "" {
		text += ", " + e.Purpose
	}
	if e.Who != nil && e.Who.User != "" {
		text += ", by " + e.Who.User
	}
	for _, line := range e.Summary {
		text += "\n    " + line
	}
	if e.Error != "" {
		text += "\n    " + strings.ReplaceAll(e.Error, "\n", "\n    ")
	}
	return text
}

func driftText(paint painter, e holdfast.Event) string {
	if e.What == monitor.Ended {
		return fmt.Sprintf("drift %s: the host is as generation %d has it", paint(green, "ended"), e.Generation)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "drift %s from generation %d:", paint(whatColor(e.What), string(e.What)), e.Generation)
	for _, d := range e.Differences {
		name := d.Object
		if d.Key != "" {
			name += " " + d.Key
		}
		fmt.Fprintf(&b, "\n    %s: wanted %s, is %s", name, orNone(d.Want), orNone(d.Have))
		for _, r := range d.Routes {
			fmt.Fprintf(&b, "\n      there is %s by %s", r.Route, r.Protocol)
		}
	}
	return b.String()
}
