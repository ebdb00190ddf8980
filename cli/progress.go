package cli

import (
	"fmt"
	"sync"
	"time"
)

// quiet is how long a command runs before it tells what it is doing, and tick
// how often it tells.
const (
	quiet = time.Second
	tick  = 200 * time.Millisecond
)

// progress is one line at the bottom of a terminal that says what a command is
// doing. On anything but a terminal it prints nothing.
type progress struct {
	out   *sink
	start time.Time
	done  chan struct{}
	ended sync.WaitGroup

	mu   sync.Mutex
	text string
	// until is what the line counts down to; zero counts up from the start.
	until time.Time
	// shown is set while the line stands on the terminal.
	shown bool
}

// newProgress starts the line. end must be called.
func (a *app) newProgress(text string) *progress {
	p := &progress{out: a.err, start: time.Now(), done: make(chan struct{}), text: text}
	if a.json || !a.err.terminal() {
		return p
	}
	p.ended.Go(p.run)
	return p
}

// set changes what the line says. It may be called from any goroutine.
func (p *progress) set(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.until = fmt.Sprintf(format, args...), time.Time{}
}

// countDown changes what the line says, and lets it tell the time left.
func (p *progress) countDown(until time.Time, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.until = fmt.Sprintf(format, args...), until
}

func (p *progress) run() {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	for {
		select {
		case <-p.done:
			p.clear()
			return
		case <-timer.C:
			p.draw()
			timer.Reset(tick)
		}
	}
}

// away takes what stands on the terminal's last line away.
const away = "\r\x1b[K"

// draw puts the line on the terminal, cut to its width.
func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.line()
	if w := p.out.width(); w > 1 && len([]rune(text)) >= w {
		text = string([]rune(text)[:w-1])
	}
	p.shown = true
	_, _ = fmt.Fprint(p.out, away+text)
}

// line is what the line says now.
func (p *progress) line() string {
	if p.until.IsZero() {
		return fmt.Sprintf("%s … %d s", p.text, int(time.Since(p.start).Seconds()))
	}
	return fmt.Sprintf("%s … %d s left", p.text, max(0, int(time.Until(p.until).Seconds())))
}

// clear takes the line away, until it is drawn again.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		p.shown = false
		_, _ = fmt.Fprint(p.out, away)
	}
}

// say prints a message that stays, above the line.
func (p *progress) say(format string, args ...any) {
	p.clear()
	_, _ = fmt.Fprintf(p.out, format+"\n", args...)
}

// end takes the line away. Further calls do nothing.
func (p *progress) end() {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	p.ended.Wait()
}
