package reach

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// site answers as its paths say.
func site() http.Handler {
	mux := http.NewServeMux()
	for path, status := range map[string]int{"/ok": 200, "/made": 201, "/gone": 410, "/broken": 500} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	for path, to := range map[string]string{"/to-ok": "/ok", "/to-broken": "/broken", "/circle": "/circle", "/away": "http://elsewhere.invalid/"} {
		mux.Handle(path, http.RedirectHandler(to, http.StatusFound))
	}
	mux.HandleFunc("/agent", func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "holdfast-probe" {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
	})
	return mux
}

// serve starts a web server that keeps its log to itself.
func serve(t *testing.T, secure bool) string {
	t.Helper()
	server := httptest.NewUnstartedServer(site())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL
}

func TestHTTP(t *testing.T) {
	base := serve(t, false)
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/ok", 0, ""},
		{"/made", 0, ""},
		{"/ok", 200, ""},
		{"/ok", 204, "the server answers 200 OK, not 204 No Content"},
		{"/gone", 0, "the server answers 410 Gone"},
		{"/gone", 410, ""},
		{"/broken", 0, "the server answers 500 Internal Server Error"},
		{"/nothing", 0, "the server answers 404 Not Found"},
		{"/to-ok", 0, ""},
		{"/to-ok", 302, ""},
		{"/to-broken", 0, "the server answers 500 Internal Server Error"},
		{"/circle", 0, "the server redirects more than 5 times"},
		{"/away", 0, ""},
		{"/away", 200, "the server answers 302 Found, not 200 OK"},
		{"/agent", 0, ""},
		{"/endless", 0, ""},
	} {
		t.Run(strings.TrimPrefix(tt.path, "/"), func(t *testing.T) {
			check(t, HTTP(within(t, patience), Request{URL: base + tt.path, Status: tt.status}), tt.want)
		})
	}
	t.Run("by its link", func(t *testing.T) {
		check(t, HTTP(within(t, patience), Request{URL: base + "/ok", Interface: "lo"}), "")
	})
	t.Run("hang", func(t *testing.T) {
		check(t, HTTP(within(t, brief), Request{URL: base + "/hang"}), "late: no answer")
	})
}

func TestHTTPS(t *testing.T) {
	base := serve(t, true)
	check(t, HTTP(within(t, patience), Request{URL: base + "/ok"}),
		"the server's certificate is not trusted: x509: certificate signed by unknown authority")
	check(t, HTTP(within(t, patience), Request{URL: base + "/ok", Insecure: true}), "")
	check(t, HTTP(within(t, patience), Request{URL: "http" + strings.TrimPrefix(base, "https") + "/ok"}), "the server answers 400 Bad Request")
	plain := serve(t, false)
	check(t, HTTP(within(t, patience), Request{URL: "https" + strings.TrimPrefix(plain, "http") + "/ok"}),
		"http: server gave HTTP response to HTTPS client")
}

// TestHTTPNoServer is about what listens and is no web server.
func TestHTTPNoServer(t *testing.T) {
	for _, tt := range []struct{ says, want string }{
		{"", "the connection was closed without an answer"},
		{"SSH-2.0-x\r\n", `malformed HTTP response "SSH-2.0-x"`},
	} {
		l, _ := listener(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			answerAll(l, tt.says)
		}()
		err := HTTP(within(t, patience), Request{URL: "http://" + l.Addr().String() + "/"})
		if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("error %v, want %s", err, tt.want)
		}
		_ = l.Close()
		<-done
	}
	check(t, HTTP(within(t, patience), Request{URL: "http://127.0.0.1:" + itoa(closedPort(t)) + "/"}), "connection refused")
	check(t, HTTP(within(t, patience), Request{URL: "http://%zz/"}), `parse "http://%zz/": invalid URL escape "%zz"`)
}

// answerAll reads the first bytes of each connection, says its word and
// closes, until the listener is closed.
func answerAll(l net.Listener, says string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, says)
		_ = conn.Close()
	}
}
