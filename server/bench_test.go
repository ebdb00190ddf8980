package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"holdfast"
	"holdfast/api"
	"holdfast/engine/enginetest"
	"holdfast/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const before = `
interfaces:
- name: eth0
  type: ethernet
  ipv4: {enabled: true, address: [{ip: 192.0.2.10, prefix-length: 24}]}
- name: eth1
  type: ethernet
`

// writers is the number of the group whose members may write in these tests.
const writers = 4711

// bench is a daemon of a host in memory.
type bench struct {
	*Server
	memory *enginetest.Memory
	dir    string
	ca     *authority
	tls    string // address
	stop   func() error
}

// roles are who may come by a unix socket.
var roles = map[string]peer{
	"root":  {local: true, uid: 0, groups: []int{0}},
	"group": {local: true, uid: 1000, groups: []int{1000, 27, writers}},
	"other": {local: true, uid: 1001, groups: []int{1001}},
}

func open(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	current, err := state.Parse("before", []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{memory: enginetest.NewMemory(current), dir: t.TempDir(), ca: newAuthority(t)}
	host, err := holdfast.Open(holdfast.Options{Carrier: b.memory, StateDir: filepath.Join(b.dir, "state"), RunDir: filepath.Join(b.dir, "run")})
	if err != nil {
		t.Fatal(err)
	}
	options := Options{
		Host: host, Logger: slog.New(slog.DiscardHandler), Rate: 1e6, Burst: 1e6,
		Access: Access{Group: writers, Read: []string{"reader"}, Write: []string{"writer", "writer.example"}},
	}
	for role, who := range roles {
		options.Listeners = append(options.Listeners, Listener{
			Listener: listen(t, "unix", b.socket(role)), identify: func(net.Conn) (peer, error) { return who, nil },
		})
	}
	b.ca.write(t, b.dir, "server")
	side, err := NewTLS(b.path("server.crt"), b.path("server.key"), b.path("ca.crt"), options.Logger)
	if err != nil {
		t.Fatal(err)
	}
	tcp := listen(t, "tcp", "127.0.0.1:0")
	b.tls = tcp.Addr().String()
	options.Listeners = append(options.Listeners, Listener{Listener: tcp, TLS: side})
	if change != nil {
		change(&options)
	}
	b.Server = New(options)
	b.start(t)
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// start runs the server; stop ends it, once.
func (b *bench) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	<-b.Ready()
	stopped := false
	b.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return context.DeadlineExceeded
		}
	}
}

func (b *bench) path(name string) string   { return filepath.Join(b.dir, name) }
func (b *bench) socket(role string) string { return b.path(role + ".sock") }

// client is one of a role.
func (b *bench) client(t *testing.T, role string) *api.Client {
	t.Helper()
	c := api.Unix(b.socket(role))
	if _, local := roles[role]; !local {
		c = api.TLS(b.tls, b.ca.config(t, role))
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{next: 2}
	a.cert, a.key = a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// sign makes a certificate; the authority's own signs itself.
func (a *authority) sign(t *testing.T, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// pair makes a certificate for a name. "dns:NAME" has it as a DNS name alone.
func (a *authority) pair(t *testing.T, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	a.next++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if len(name) > 4 && name[:4] == "dns:" {
		c.Subject.CommonName, c.DNSNames = "", []string{name[4:]}
	}
	return a.sign(t, c)
}

// write writes the authority's certificate, and one for a name with its key.
func (a *authority) write(t *testing.T, dir, name string) {
	t.Helper()
	cert, key := a.pair(t, name)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		"ca.crt":      {Type: "CERTIFICATE", Bytes: a.cert.Raw},
		name + ".crt": {Type: "CERTIFICATE", Bytes: cert.Raw},
		name + ".key": {Type: "EC PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// config is a client's: of a name, or without a certificate for "none".
func (a *authority) config(t *testing.T, name string) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	c := &tls.Config{RootCAs: pool}
	if name != "none" {
		cert, key := a.pair(t, name)
		c.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	}
	return c
}
