package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/api"
	"holdfast/engine"
	"holdfast/state"
)

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// TestLargeBody sends 64 MiB, with their number told and not told.
func TestLargeBody(t *testing.T) {
	b := open(t, nil)
	c := b.raw(t, "root")
	for _, told := range []bool{true, false} {
		var was, is runtime.MemStats
		runtime.ReadMemStats(&was)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://holdfast/v1/apply", io.LimitReader(zeros{}, 64<<20))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if told {
			r.ContentLength = 64 << 20
		}
		answer, err := c.Do(r)
		if err == nil {
			if answer.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("told %t: status %d", told, answer.StatusCode)
			}
			_ = answer.Body.Close()
		} else {
			t.Logf("told %t: %v", told, err) // the connection may be closed before the answer is read
		}
		runtime.ReadMemStats(&is)
		if more := is.TotalAlloc - was.TotalAlloc; more > 150<<20 {
			t.Errorf("told %t: %d MiB were taken", told, more>>20)
		}
	}
	if _, err := b.client(t, "root").Hello(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestIdle opens many connections that say nothing, or very slowly something,
// and wants others to be answered: also of the same user.
func TestIdle(t *testing.T) {
	b := open(t, func(o *Options) { o.MaxConns, o.MaxConnsOfPeer = 200, 50 })
	var mu sync.Mutex
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	beginnings := []string{
		"", "GET /v1/version HTT", "GET /v1/version HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
	}
	var crowd sync.WaitGroup
	for n := range 3 {
		crowd.Go(func() {
			for i := range 1000 {
				c, err := net.Dial("unix", b.socket([]string{"other", "group", "root"}[n]))
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = c.Write([]byte(beginnings[i%len(beginnings)]))
				mu.Lock()
				open = append(open, c)
				mu.Unlock()
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answered := 0
	done := make(chan struct{})
	go func() { crowd.Wait(); close(done) }()
	for running := true; running; answered++ {
		select {
		case <-done:
			running = false
		default:
		}
		for _, role := range []string{"root", "writer"} {
			eventually(ctx, t, role, func() error {
				c := b.client(t, role)
				defer func() { _ = c.Close() }()
				_, err := c.Hello(ctx)
				return err
			})
		}
	}
	for _, role := range []string{"root", "group", "other", "reader"} {
		if _, err := b.client(t, role).Show(ctx, api.ShowQuery{}); err != nil {
			t.Errorf("%s after the crowd came: %v", role, err)
		}
	}
	b.crowd.mu.Lock()
	defer b.crowd.mu.Unlock()
	if b.crowd.total > 200 {
		t.Errorf("%d connections", b.crowd.total)
	}
}

// eventually tries until something works: while thousands come in at once a
// connection may have to give way before its request is read.
func eventually(ctx context.Context, t *testing.T, what string, try func() error) {
	t.Helper()
	for {
		err := try()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
	}
}

// TestSlowHeaders wants a connection that does not get on to be closed.
func TestSlowHeaders(t *testing.T) {
	b := open(t, nil)
	c, err := net.Dial("unix", b.socket("other"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = c.Write([]byte("GET /v1/version HTTP/1.1\r\nX: "))
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	start := time.Now()
	text, _ := io.ReadAll(c)
	if took := time.Since(start); took > 50*time.Second {
		t.Errorf("closed after %v: %s", took, text)
	}
}

// TestRate asks for too much at once, but may take back what it did.
func TestRate(t *testing.T) {
	b := open(t, func(o *Options) { o.Rate, o.Burst = 0.001, 3 })
	c := b.raw(t, "group")
	refused := 0
	for range 10 {
		if status, _, _ := do(t, c, http.MethodPost, "/v1/persist", `{"all":true}`); status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 7 {
		t.Errorf("%d were refused", refused)
	}
	if status, text, _ := do(t, c, http.MethodPost, "/v1/rollback", `{}`); status != http.StatusNotFound {
		t.Errorf("rollback: %d %s", status, text)
	}
	if status, _, _ := do(t, b.raw(t, "root"), http.MethodPost, "/v1/persist", `{"all":true}`); status != http.StatusOK {
		t.Errorf("somebody else: %d", status)
	}
}

// TestPanic wants a fault in a handler to be answered, and nothing else to end.
func TestPanic(t *testing.T) {
	b := open(t, nil)
	b.reader.show = func(context.Context, engine.ShowOptions) (*state.State, error) { panic("index out of range") }
	for range 2 {
		status, text, err := do(t, b.raw(t, "other"), http.MethodGet, "/v1/state", "")
		if err != nil || status != http.StatusInternalServerError || !strings.Contains(text, `"internal error: index out of range"`) {
			t.Errorf("%d %v %s", status, err, text)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/version", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	c := &call{w: w, r: r, route: &api.Route{Right: api.Read}, rights: api.Read, logger: b.logger}
	if status := b.answer(c, func(*Server, *call) (any, error) { panic("no such thing") }); status != http.StatusInternalServerError {
		t.Errorf("status %d", status)
	}
	if _, err := b.client(t, "root").Hello(t.Context()); err != nil {
		t.Error(err)
	}
}

// FuzzRequest sends bytes that are hardly a request, as who may do everything;
// whatever comes, the next one is answered.
func FuzzRequest(f *testing.F) {
	for _, route := range api.Routes() {
		f.Add(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", route.Method, route.Path))
	}
	for _, body := range []string{
		`{"state":{"interfaces":[{"name":"eth0"}]}}`, `{"state":{}}`, `{"state":null}`, `{"state":"\u0000"}`, `[]`, `{"state":{},"documents":[]}`, `{"documents":[{"name":"\n","text":"\t"}]}`,
		`{"state":{"interfaces":[]},"confirm":-1}`, `{"state":{"interfaces":[]},"timeout":1e300}`, `{"state":{"interfaces":[]},"probes":["x","tcp:::"]}`, "{} {}", "\xff",
	} {
		for _, path := range []string{"plan", "apply"} {
			f.Add(fmt.Sprintf("POST /v1/%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body))
		}
	}
	f.Add("GET /v1/version HTTP/9.9\r\n\r\n")
	f.Add("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
	f.Add("POST /v1/apply HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n")
	f.Add("POST /v1/apply HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, request string) {
		b := open(t, nil)
		c, err := net.Dial("unix", b.socket("root"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(request))
		_ = c.(*net.UnixConn).CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		if answer, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
			text, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusInternalServerError {
				t.Errorf("%q: %s", request, text)
			}
		}
		_ = c.Close()
		if _, err := b.client(t, "root").Hello(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
