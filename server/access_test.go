package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"holdfast"
	"holdfast/api"
	"holdfast/engine"
)

// raw is an HTTP client of a role.
func (b *bench) raw(t *testing.T, role string) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", b.socket(role))
	}}
	if _, local := roles[role]; !local {
		transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&tls.Dialer{Config: b.ca.config(t, role)}).DialContext(ctx, "tcp", b.tls)
		}}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func do(t *testing.T, c *http.Client, method, path, body string) (status int, text string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://holdfast"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(data), err
}

// mayWrite and mayRead are the roles with those rights.
var (
	mayWrite = []string{"root", "group", "writer", "dns:writer.example"}
	mayRead  = append([]string{"other", "reader"}, mayWrite...)
)

// TestAccess asks for every route as everybody.
func TestAccess(t *testing.T) {
	b := open(t, nil)
	for _, role := range append([]string{"stranger", "none"}, mayRead...) {
		client := b.raw(t, role)
		for _, route := range api.Routes() {
			path := strings.NewReplacer("{name}", "eth0", "{number}", "1").Replace(route.Path)
			body := ""
			if route.Request != nil {
				body = `{"nonsense": 1}` // refused once it is read: nothing is to be changed here
			}
			status, text, err := do(t, client, route.Method, path, body)
			may := slices.Contains(mayRead, role)
			if route.Right == api.Write {
				may = slices.Contains(mayWrite, role)
			}
			if fault := misjudged(role, may, body != "", status, text, err); fault != "" {
				t.Errorf("%s as %s: %s: status %d, %v: %s", route.ID, role, fault, status, err, text)
			}
		}
	}
}

// misjudged is what is wrong with the answer to who may ask, or not; empty for
// nothing.
func misjudged(role string, may, nonsense bool, status int, text string, err error) string {
	switch {
	case role == "none" && err == nil:
		return "answered without a certificate"
	case role == "none":
		return ""
	case err != nil:
		return "not answered"
	case may && status == http.StatusForbidden:
		return "refused"
	case !may && (status != http.StatusForbidden || !strings.Contains(text, `"kind":"permission"`)):
		return "not refused"
	case may && nonsense && status != http.StatusBadRequest:
		return "nonsense was taken"
	}
	return ""
}

// TestSecrets asks for secrets.
func TestSecrets(t *testing.T) {
	b := open(t, nil)
	for role, want := range map[string]int{"root": 200, "other": 403, "reader": 403, "writer": 200} {
		if status, text, _ := do(t, b.raw(t, role), http.MethodGet, "/v1/state?show-secrets=true", ""); status != want {
			t.Errorf("secrets as %s: status %d: %s", role, status, text)
		}
	}
}

// TestOtherAuthority comes with a certificate that somebody else signed.
func TestOtherAuthority(t *testing.T) {
	b := open(t, nil)
	config := b.ca.config(t, "none")
	config.Certificates = newAuthority(t).config(t, "writer").Certificates
	client := api.TLS(b.tls, config)
	if _, err := client.Hello(t.Context()); err == nil {
		t.Error("a certificate of another authority is taken")
	}
	old := b.ca.config(t, "writer")
	old.MaxVersion = tls.VersionTLS12
	if c, err := tls.Dial("tcp", b.tls, old); err == nil {
		_ = c.Close()
		t.Error("TLS 1.2 is spoken")
	}
}

// TestGrant changes the rights while the daemon runs.
func TestGrant(t *testing.T) {
	b := open(t, nil)
	client := b.client(t, "stranger")
	if _, err := client.Hello(t.Context()); holdfast.KindOf(err) != engine.Permission || !errors.Is(err, os.ErrPermission) {
		t.Errorf("a stranger: %v", err)
	}
	b.Grant(Access{Group: -1, Read: []string{"stranger"}})
	hello, err := client.Hello(t.Context())
	if err != nil || hello.Rights != api.Read || hello.Name != "tls stranger" {
		t.Errorf("a reader: %+v, %v", hello, err)
	}
	if hello, err := b.client(t, "group").Hello(t.Context()); err != nil || hello.Rights != api.Read {
		t.Errorf("a member of the group that there is no more: %+v, %v", hello, err)
	}
}

// TestReload puts other certificates in place.
func TestReload(t *testing.T) {
	b := open(t, nil)
	if _, err := b.client(t, "writer").Hello(t.Context()); err != nil {
		t.Fatal(err)
	}
	side := b.options.Listeners[len(b.options.Listeners)-1].TLS
	age := func() {
		side.mu.Lock()
		defer side.mu.Unlock()
		side.looked = side.looked.Add(-2 * lookEvery)
	}
	if err := os.WriteFile(b.path("server.crt"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	age()
	if _, err := b.client(t, "writer").Hello(t.Context()); err != nil {
		t.Errorf("with a certificate that cannot be read: %v", err)
	}
	b.ca = newAuthority(t)
	b.ca.write(t, b.dir, "server")
	age()
	if _, err := b.client(t, "writer").Hello(t.Context()); err != nil {
		t.Errorf("with the new certificates: %v", err)
	}
}

// TestIdentify asks the kernel about this process.
func TestIdentify(t *testing.T) {
	l := listen(t, "unix", t.TempDir()+"/s")
	defer func() { _ = l.Close() }()
	near, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = near.Close() }()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = far.Close() }()
	p, err := identify(far)
	if err != nil || !p.local || p.uid != os.Getuid() || !slices.Contains(p.groups, os.Getgid()) {
		t.Errorf("%+v, %v", p, err)
	}
	groups, _ := os.Getgroups()
	for _, g := range groups {
		if !slices.Contains(p.groups, g) {
			t.Errorf("the group %d is not in %v", g, p.groups)
		}
	}
}

// TestNames tries names that lead elsewhere.
func TestNames(t *testing.T) {
	b := open(t, nil)
	c := b.raw(t, "root")
	for _, path := range []string{
		"/v1/state/..%2f..%2fetc%2fpasswd", "/v1/state/%2e%2e", "/v1/state/a%00b", "/v1/state/a%20b", "/v1/state/%0a",
		"/v1/state/" + strings.Repeat("x", 200), "/v1/state?name=../../etc/passwd", "/v1/state?name=",
		"/v1/generations/..%2f1", "/v1/generations/0", "/v1/generations/-1", "/v1/generations/1.json", "/v1/generations/99999999999999999999",
		"/v1/state?show-secrets=maybe", "/v1/state?running-config=2",
	} {
		status, text, err := do(t, c, http.MethodGet, path, "")
		if err != nil || status < 400 || status >= 500 || !strings.HasPrefix(text, `{"error":{"kind":"`) {
			t.Errorf("GET %s: %d %v %s", path, status, err, text)
		}
	}
	for _, path := range []string{"/v1/generations/1", "/v1/generations/newest", "/v1/state/nix", "/v2", "/v1/../etc/passwd", "/"} {
		if status, text, _ := do(t, c, http.MethodGet, path, ""); status != http.StatusNotFound || !strings.Contains(text, `"kind":"not-found"`) {
			t.Errorf("GET %s: %d %s", path, status, text)
		}
	}
	if status, text, _ := do(t, c, http.MethodGet, "/v1/state/eth0", ""); status != http.StatusOK || !strings.Contains(text, "192.0.2.10") {
		t.Errorf("%d %s", status, text)
	}
}
