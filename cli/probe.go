package cli

import (
	"context"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/probe"
	"holdfast/state"
)

// probeFlag is a flag that may be repeated, one probe each time (pflag.Value).
type probeFlag struct{ specs []probe.Spec }

// Set adds a probe.
func (f *probeFlag) Set(text string) error {
	spec, err := probe.Parse(text)
	if err != nil {
		return err
	}
	f.specs = append(f.specs, spec)
	return nil
}

// String is the probes as they can be given, parted by spaces.
func (f *probeFlag) String() string {
	words := make([]string, len(f.specs))
	for i, s := range f.specs {
		words[i] = s.String()
	}
	return strings.Join(words, " ")
}

// Type is what the help shows for the value.
func (f *probeFlag) Type() string { return "SPEC" }

// completionLimit bounds what completing a probe may take.
const completionLimit = 3 * time.Second

// completeProbes offers what a probe may be to the shell: gateways and name
// servers as hosts, links, and the programs of the probe folder.
func completeProbes(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	choices := probe.Choices{Programs: probePrograms()}
	if links, err := net.Interfaces(); err == nil {
		for _, l := range links {
			choices.Interfaces = append(choices.Interfaces, l.Name)
		}
	}
	if strings.Contains(begun, ":") {
		choices.Hosts = knownHosts(c.Context())
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	words := probe.Complete(begun, choices)
	for _, w := range words {
		if strings.ContainsRune(":%=,", rune(w[len(w)-1])) {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
	}
	return words, directive
}

func probePrograms() []string {
	var names []string
	entries, _ := os.ReadDir(holdfast.DefaultProbeDir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// knownHosts are the host's gateways and name servers.
func knownHosts(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, completionLimit)
	defer cancel()
	host, err := holdfast.Open(holdfast.Options{})
	if err != nil {
		return nil
	}
	defer func() { _ = host.Close() }()
	current, err := host.Show(ctx, holdfast.ShowOptions{})
	if err != nil {
		return nil
	}
	return hostsOf(current)
}

// hostsOf lists the gateways and name servers of a state.
func hostsOf(s *state.State) []string {
	var hosts []string
	gateway := probe.Spec{Kind: probe.Gateway}
	for _, q := range probe.Expand([]probe.Spec{gateway}, s) {
		if q.Target.Host != "" {
			hosts = append(hosts, q.Target.Host)
		}
	}
	if s.DNS != nil && s.DNS.Running != nil {
		hosts = append(hosts, s.DNS.Running.Server...)
	}
	return hosts
}
