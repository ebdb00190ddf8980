package server

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"holdfast/internal/document"
	"holdfast/internal/problem"
	"holdfast/probe"
)

// DefaultConfig is where the daemon's configuration lies.
const DefaultConfig = "/etc/holdfast/holdfast.yaml"

// Config is the daemon's configuration.
type Config struct {
	// Engine names what reads and changes the host; empty is auto.
	Engine string
	// Probes are asked by every change, beside its own.
	Probes []probe.Spec
	// ProbeFolder has the programs of exec probes; empty is the default one.
	ProbeFolder string
	// KeepGenerations is how many generations are kept; 0 is the default.
	KeepGenerations int
	// TLS is nil where nothing is served over TCP.
	TLS *TLSConfig
}

// TLSConfig says how to serve over TCP.
type TLSConfig struct {
	// Listen is HOST:PORT.
	Listen string
	// Cert and Key are the daemon's, CA is who signs those of clients: PEM files.
	Cert, Key, CA string
	// Read and Write list the names of clients.
	Read, Write []string
}

// ReadConfig reads the configuration; a file that is not there says nothing.
// The error lists every problem with its place (internal/problem).
func ReadConfig(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Config{}, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseConfig(path, data)
}

// ParseConfig reads the configuration from a document; one of comments alone
// says nothing.
func ParseConfig(name string, data []byte) (*Config, error) {
	r := &configReader{name: name}
	config := &Config{}
	if blank(data) {
		return config, nil
	}
	doc := document.Read(name, data, &r.problems)
	if doc != nil {
		r.mapping(&doc.Root, "", map[string]func(*document.Node, string){
			"engine":           r.word(&config.Engine, "auto", "kernel"),
			"probes":           func(n *document.Node, key string) { config.Probes = r.probes(n, key) },
			"probe-folder":     r.path(&config.ProbeFolder),
			"keep-generations": r.count(&config.KeepGenerations),
			"tls":              func(n *document.Node, key string) { config.TLS = r.tls(n, key) },
		})
	}
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	return config, nil
}

// blank tells whether a document has nothing but comments.
func blank(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line != "---" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

// configReader collects what is wrong with a configuration.
type configReader struct {
	name     string
	problems problem.List
}

func (r *configReader) fault(n *document.Node, key, message, hint string) {
	p := &problem.Problem{File: r.name, Line: int(n.Line), Column: int(n.Column), Key: key, Message: message, Hint: hint}
	if n.Kind == document.Scalar {
		p.Value = n.Text
	}
	r.problems.Add(p)
}

// mapping reads the keys of a mapping, each by its reader.
func (r *configReader) mapping(n *document.Node, base string, keys map[string]func(*document.Node, string)) {
	if n.Kind != document.Mapping {
		r.fault(n, base, "a mapping is wanted", "")
		return
	}
	known := make([]string, 0, len(keys))
	for key := range keys {
		known = append(known, key)
	}
	slices.Sort(known)
	for i := 0; i+1 < len(n.Items); i += 2 {
		key := n.Items[i].Text
		path := document.Join(base, key)
		if read, ok := keys[key]; ok {
			read(&n.Items[i+1], path)
			continue
		}
		hint := problem.DidYouMean(key, known)
		if hint == "" {
			hint = "the keys are " + strings.Join(known, ", ")
		}
		at := n.Items[i]
		r.problems.Add(&problem.Problem{File: r.name, Line: int(at.Line), Column: int(at.Column), Key: path, Message: "unknown key", Hint: hint})
	}
}

func (r *configReader) text(n *document.Node, key string) string {
	if n.Kind != document.Scalar || n.IsNull() || n.Text == "" {
		r.fault(n, key, "a text is wanted", "")
		return ""
	}
	return n.Text
}

func (r *configReader) word(into *string, words ...string) func(*document.Node, string) {
	return func(n *document.Node, key string) {
		*into = r.text(n, key)
		if *into != "" && !slices.Contains(words, *into) {
			r.fault(n, key, "is none of "+strings.Join(words, ", "), problem.DidYouMean(*into, words))
		}
	}
}

func (r *configReader) path(into *string) func(*document.Node, string) {
	return func(n *document.Node, key string) {
		*into = r.text(n, key)
		if *into != "" && !strings.HasPrefix(*into, "/") {
			r.fault(n, key, "is no absolute path", "begin it with /")
		}
	}
}

// maxKeep is how many generations can be kept.
const maxKeep = 10000

func (r *configReader) count(into *int) func(*document.Node, string) {
	return func(n *document.Node, key string) {
		value, err := strconv.Atoi(n.Text)
		if n.Kind != document.Scalar || err != nil || value < 1 || value > maxKeep {
			r.fault(n, key, "a number from 1 to "+strconv.Itoa(maxKeep)+" is wanted", "")
			return
		}
		*into = value
	}
}

func (r *configReader) list(n *document.Node, key string, each func(*document.Node, string)) {
	if n.Kind != document.Sequence {
		r.fault(n, key, "a list is wanted", "")
		return
	}
	for i := range n.Items {
		each(&n.Items[i], key+"["+strconv.Itoa(i)+"]")
	}
}

func (r *configReader) names(into *[]string) func(*document.Node, string) {
	return func(n *document.Node, key string) {
		r.list(n, key, func(n *document.Node, key string) {
			if name := r.text(n, key); name != "" {
				*into = append(*into, name)
			}
		})
	}
}

func (r *configReader) probes(n *document.Node, key string) []probe.Spec {
	var specs []probe.Spec
	r.list(n, key, func(n *document.Node, key string) {
		text := r.text(n, key)
		if text == "" {
			return
		}
		spec, err := probe.Parse(text)
		if err != nil {
			r.fault(n, key, err.Error(), "")
			return
		}
		if spec.Kind == probe.Client {
			r.fault(n, key, "a client can be asked only by a change of its own", "give it with --probe")
			return
		}
		specs = append(specs, spec)
	})
	return specs
}

func (r *configReader) tls(n *document.Node, base string) *TLSConfig {
	t := &TLSConfig{}
	r.mapping(n, base, map[string]func(*document.Node, string){
		"listen": func(n *document.Node, key string) {
			t.Listen = r.text(n, key)
			if t.Listen != "" && !strings.Contains(t.Listen, ":") {
				r.fault(n, key, "is no HOST:PORT", "for example [::]:7443")
			}
		},
		"cert": r.path(&t.Cert), "key": r.path(&t.Key), "ca": r.path(&t.CA),
		"read": r.names(&t.Read), "write": r.names(&t.Write),
	})
	for _, key := range []string{"listen", "cert", "key", "ca"} {
		if n.Kind == document.Mapping && n.Get(key) == nil {
			r.fault(n, document.Join(base, key), "is wanted", "")
		}
	}
	return t
}

// Access is who may do what by the configuration.
func (c *Config) Access() Access {
	access := Access{Group: GroupID()}
	if c.TLS != nil {
		access.Read, access.Write = c.TLS.Read, c.TLS.Write
	}
	return access
}
