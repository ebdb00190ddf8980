package state

import (
	"slices"
	"strconv"
)

func hex(n uint32) string { return strconv.FormatUint(uint64(n), 16) }

// mergeResolver lays the document's resolver over the current one, key by key;
// an empty section purges all of it. Options are a set: their order does not
// count.
func (m *merger) mergeResolver() {
	m.dns = m.current.DNS
	if m.desired.DNS == nil || m.desired.DNS.Config == nil {
		return
	}
	des := *m.desired.DNS.Config
	cur := Resolver{}
	if m.current.DNS != nil && m.current.DNS.Config != nil {
		cur = *m.current.DNS.Config
	}
	if des.Server == nil && des.Search == nil && des.Options == nil {
		des = Resolver{Server: []string{}, Search: []string{}, Options: []string{}}
	}
	out := cur
	changed := lay(&out.Server, des.Server, slices.Equal)
	changed = lay(&out.Search, des.Search, slices.Equal) || changed
	changed = lay(&out.Options, des.Options, sameSet) || changed
	if changed {
		m.dns = &DNS{Config: &out, Origin: m.desired.DNS.Origin}
	}
}

// lay puts a list that is mentioned in the place of another one, and tells
// whether that makes a difference.
func lay(out *[]string, des []string, equal func(a, b []string) bool) bool {
	if des == nil || equal(*out, des) {
		return false
	}
	*out = des
	return true
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// mergeHostname lays the document's names over the current ones.
func (m *merger) mergeHostname() {
	m.hostname = m.current.Hostname
	if m.desired.Hostname == nil {
		return
	}
	out := Hostname{}
	if m.current.Hostname != nil {
		out = *m.current.Hostname
	}
	was := out
	out.Running = overlayScalar(out.Running, m.desired.Hostname.Running)
	out.Config = overlayScalar(out.Config, m.desired.Hostname.Config)
	if out != was {
		out.Origin = m.desired.Hostname.Origin
		m.hostname = &out
	}
}
