// Package resolver reads and writes the host's resolver configuration:
// resolv.conf as a plain file, or through systemd-resolved or resolvconf where
// one of them owns it. It never fights the owner.
package resolver

import (
	"net/netip"
	"slices"
	"strings"
)

// Config is a list of name servers with search domains and options, as in
// resolv.conf(5). The zero Config is an empty one.
type Config struct {
	// Servers are addresses in order of preference, a link-local one with its
	// interface after a percent sign.
	Servers []string
	// Search are the search domains in order.
	Search []string
	// Options are words such as "rotate" and "ndots:2", in order.
	Options []string
}

// Equal tells whether both say the same in the same order.
func (c Config) Equal(d Config) bool {
	return slices.Equal(c.Servers, d.Servers) && slices.Equal(c.Search, d.Search) && slices.Equal(c.Options, d.Options)
}

// Empty tells whether nothing is configured.
func (c Config) Empty() bool { return len(c.Servers)+len(c.Search)+len(c.Options) == 0 }

// Parse reads the text of a resolv.conf as glibc does: the last search or
// domain line counts, options add up. Local stubs such as 127.0.0.53 are
// servers here; see WithoutStubs.
func Parse(text string) Config {
	var c Config
	for line := range strings.SplitSeq(text, "\n") {
		word, rest := split(line)
		switch word {
		case "nameserver":
			if fields := strings.Fields(rest); len(fields) > 0 {
				c.Servers = append(c.Servers, canonical(fields[0]))
			}
		case "search", "domain":
			c.Search = strings.Fields(rest)
		case "options":
			for option := range strings.FieldsSeq(rest) {
				if !slices.Contains(c.Options, option) {
					c.Options = append(c.Options, option)
				}
			}
		}
	}
	return c
}

// WithoutStubs is the configuration without the addresses that
// systemd-resolved listens on itself, which are never configuration.
func (c Config) WithoutStubs() Config {
	c.Servers = slices.DeleteFunc(slices.Clone(c.Servers), IsStub)
	return c
}

// IsStub tells whether the address is one of systemd-resolved's own
// (systemd-resolved.service(8): 127.0.0.53 and 127.0.0.54).
func IsStub(server string) bool { return server == "127.0.0.53" || server == "127.0.0.54" }

// Rewrite gives the text with c in place of what it configured. Comments and
// lines that c does not speak of stay where they are; the new lines take the
// place of the first old line, or the end.
func Rewrite(text string, c Config) string {
	var kept []string
	at := -1
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		lines = nil
	}
	for _, line := range lines {
		if ours(line) {
			if at < 0 {
				at = len(kept)
			}
			continue
		}
		kept = append(kept, line)
	}
	if at < 0 {
		at = len(kept)
	}
	kept = slices.Insert(kept, at, c.lines()...)
	if len(kept) == 0 {
		return ""
	}
	return strings.Join(kept, "\n") + "\n"
}

// lines are the lines of a resolv.conf that say c.
func (c Config) lines() []string {
	var lines []string
	if len(c.Search) > 0 {
		lines = append(lines, "search "+strings.Join(c.Search, " "))
	}
	for _, server := range c.Servers {
		lines = append(lines, "nameserver "+server)
	}
	if len(c.Options) > 0 {
		lines = append(lines, "options "+strings.Join(c.Options, " "))
	}
	return lines
}

// ours tells whether a line says what a Config says.
func ours(line string) bool {
	word, _ := split(line)
	return word == "nameserver" || word == "search" || word == "domain" || word == "options"
}

// split takes the key word off a line; a comment has none.
func split(line string) (word, rest string) {
	if line == "" || line[0] == '#' || line[0] == ';' {
		return "", ""
	}
	word, rest, _ = strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	return word, strings.TrimSpace(rest)
}

// canonical is the shortest spelling of an address; other text stays.
func canonical(server string) string {
	if a, err := netip.ParseAddr(server); err == nil {
		return a.String()
	}
	return server
}
