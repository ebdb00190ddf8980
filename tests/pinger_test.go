package tests

import (
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"holdfast/lab"
)

// interval is the time between two questions of a pinger.
const interval = 10 * time.Millisecond

// A pinger asks another host a question every 10 ms and counts the answers: a
// ping over UDP whose last questions are waited for.
type pinger struct {
	ask, answer net.PacketConn
	to          net.Addr
	stopping    chan struct{} // closed by stop
	sending     sync.WaitGroup
	reading     sync.WaitGroup

	mu       sync.Mutex
	sent     int
	answered map[uint64]bool
}

// startPinger asks from one host to an address of another, until the test ends
// or stop is called. It returns when the first question was answered.
func startPinger(t *testing.T, from, to *lab.Host, address string) *pinger {
	t.Helper()
	p := &pinger{stopping: make(chan struct{}), answered: map[uint64]bool{}}
	p.answer = listen(t, to, net.JoinHostPort(address, "7777"))
	p.ask = listen(t, from, ":0")
	p.to = p.answer.LocalAddr()
	p.reading.Go(p.echo)
	p.reading.Go(p.read)
	p.sending.Go(p.send)
	t.Cleanup(func() {
		p.halt()
		_ = p.ask.Close()
		_ = p.answer.Close()
		p.reading.Wait()
	})
	lab.Await(t, "an answer from "+address, 0, func() bool {
		_, answers := p.counts()
		return answers > 0
	})
	p.reset()
	return p
}

func listen(t *testing.T, h *lab.Host, address string) net.PacketConn {
	t.Helper()
	var conn net.PacketConn
	var err error
	h.Do(t, func() { conn, err = net.ListenPacket("udp4", address) })
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// echo answers what is asked, until its socket is closed.
func (p *pinger) echo() {
	b := make([]byte, 64)
	for {
		n, from, err := p.answer.ReadFrom(b)
		if err != nil {
			return
		}
		_, _ = p.answer.WriteTo(b[:n], from)
	}
}

// read notes answers, until its socket is closed.
func (p *pinger) read() {
	b := make([]byte, 64)
	for {
		n, _, err := p.ask.ReadFrom(b)
		if err != nil {
			return
		}
		if n == 8 {
			p.mu.Lock()
			p.answered[binary.BigEndian.Uint64(b)] = true
			p.mu.Unlock()
		}
	}
}

// send asks until it is stopped. A question that the host refuses to send
// counts as lost.
func (p *pinger) send() {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-p.stopping:
			return
		case <-ticker.C:
		}
		p.mu.Lock()
		number := uint64(p.sent)
		p.sent++
		p.mu.Unlock()
		_, _ = p.ask.WriteTo(binary.BigEndian.AppendUint64(nil, number), p.to)
	}
}

func (p *pinger) counts() (sent, answers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent, len(p.answered)
}

// reset forgets what was lost before the first answer: address resolution.
func (p *pinger) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = make(map[uint64]bool, p.sent)
	for i := range p.sent {
		p.answered[uint64(i)] = true
	}
}

func (p *pinger) halt() {
	select {
	case <-p.stopping:
	default:
		close(p.stopping)
	}
	p.sending.Wait()
}

// stop ends the questions, waits for late answers, and tells how many never
// came.
func (p *pinger) stop() (sent, lost int) {
	p.halt()
	lab.Eventually(20*time.Second, func() bool {
		sent, answers := p.counts()
		return sent == answers
	})
	sent, answers := p.counts()
	return sent, sent - answers
}
