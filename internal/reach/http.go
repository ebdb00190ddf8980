package reach

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxRedirects is how many times an answer of the host itself is followed.
const maxRedirects = 5

// Request is a question to a web server.
type Request struct {
	// URL is that of the page, of scheme http or https. An IPv6 address in it
	// may have a zone.
	URL string
	// Interface and ResolvConf are as in Target.
	Interface, ResolvConf string
	// Status is the one that must come; 0 is any of 2xx and 3xx.
	Status int
	// Insecure takes any certificate.
	Insecure bool
}

// HTTP wants an answer of the right status. Proxies are not used. Redirects to
// another host are not followed, but are an answer; those on the host are
// followed a few times unless a status of 3xx is wanted.
func HTTP(ctx context.Context, r Request) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return permanent{err.Error()}
	}
	request.Header.Set("User-Agent", "holdfast-probe")
	transport := &http.Transport{
		DialContext:            r.dial,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: r.Insecure},
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: r.redirect}
	answer, err := client.Do(request)
	if err != nil {
		return requestError(ctx, err)
	}
	_ = answer.Body.Close()
	return r.check(answer)
}

// check holds the status against what is wanted.
func (r Request) check(answer *http.Response) error {
	switch {
	case r.Status == answer.StatusCode, r.Status == 0 && answer.StatusCode >= 200 && answer.StatusCode < 400:
		return nil
	case r.Status == 0:
		return fmt.Errorf("the server answers %s", statusText(answer.StatusCode))
	}
	return fmt.Errorf("the server answers %s, not %s", statusText(answer.StatusCode), statusText(r.Status))
}

// statusText does not repeat the server's own words, which could be anything.
func statusText(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// dial is the transport's way to the host.
func (r Request) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %s: %w", service, err)
	}
	t := Target{Host: host, Interface: r.Interface, ResolvConf: r.ResolvConf}
	if name, zone, scoped := strings.Cut(host, "%"); scoped {
		t.Host, t.Interface = name, zone
	}
	return t.dial(ctx, uint16(port))
}

// errRedirects tells that a server sends its callers round in circles.
var errRedirects = errors.New("the server redirects more than " + strconv.Itoa(maxRedirects) + " times")

// redirect decides whether to follow.
func (r Request) redirect(next *http.Request, via []*http.Request) error {
	if r.Status >= 300 && r.Status < 400 || next.URL.Hostname() != via[0].URL.Hostname() {
		return http.ErrUseLastResponse
	}
	if len(via) > maxRedirects {
		return errRedirects
	}
	return nil
}

// requestError is the cause without the URL around it.
func requestError(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return errors.New("the server's certificate is not trusted: " + e.Err.Error())
	}
	if errors.Is(err, errRedirects) {
		return errRedirects
	}
	return plain(ctx, err)
}
