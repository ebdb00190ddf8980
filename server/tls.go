package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// TLS is the daemon's side of mutual TLS. The files are read again when they
// change; a fault of the new ones is logged, and the old ones are used on.
type TLS struct {
	cert, key, ca string
	logger        *slog.Logger

	mu     sync.Mutex
	config *tls.Config
	stamp  string
	// looked is when the files were looked at last.
	looked time.Time
}

// lookEvery is how often the files are looked at, at most.
const lookEvery = time.Second

// NewTLS reads the daemon's certificate and key, and the certificates of who
// signs those of clients; all are PEM files.
func NewTLS(cert, key, ca string, logger *slog.Logger) (*TLS, error) {
	t := &TLS{cert: cert, key: key, ca: ca, logger: logger}
	config, err := t.load()
	if err != nil {
		return nil, err
	}
	t.config, t.stamp, t.looked = config, t.stampOf(), time.Now()
	return t, nil
}

func (t *TLS) load() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(t.cert, t.key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate %s and its key %s: %w", t.cert, t.key, err)
	}
	text, err := os.ReadFile(t.ca)
	if err != nil {
		return nil, fmt.Errorf("read the certificates of who signs: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read the certificates of who signs: %s: %w", t.ca, errNoCertificate)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		// A ticket would outlive a change of the files.
		SessionTicketsDisabled: true,
		NextProtos:             []string{"http/1.1"},
	}, nil
}

var errNoCertificate = errors.New("there is no certificate in it")

// stampOf tells versions of the files apart.
func (t *TLS) stampOf() string {
	var stamp strings.Builder
	for _, path := range []string{t.cert, t.key, t.ca} {
		if info, err := os.Stat(path); err == nil {
			_, _ = fmt.Fprint(&stamp, info.ModTime().UnixNano(), " ", info.Size(), " ")
		}
	}
	return stamp.String()
}

// current is the configuration by the files as they are now.
func (t *TLS) current(*tls.ClientHelloInfo) (*tls.Config, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.looked) < lookEvery {
		return t.config, nil
	}
	t.looked = time.Now()
	stamp := t.stampOf()
	if stamp == t.stamp {
		return t.config, nil
	}
	config, err := t.load()
	if err != nil {
		t.logger.Warn("the certificates changed and cannot be read; the old ones are used on", "err", err)
		return t.config, nil
	}
	t.logger.Info("the certificates were read again", "cert", t.cert)
	t.config, t.stamp = config, stamp
	return config, nil
}

// listen makes TLS of a listener's connections.
func (t *TLS) listen(l net.Listener) net.Listener {
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: t.current})
}
