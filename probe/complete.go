package probe

import (
	"slices"
	"strings"
)

// Choices are what completion knows of the host; each may be empty.
type Choices struct {
	// Interfaces are names of links.
	Interfaces []string
	// Hosts are addresses that somebody may want to probe: gateways, name
	// servers.
	Hosts []string
	// Programs are the names of the files in the probe folder.
	Programs []string
}

// Complete gives the whole words that the beginning of a probe may grow to, in
// a stable order. A word that ends in ':', '%', '=' or ',' wants more behind
// it.
func Complete(begun string, choices Choices) []string {
	comma := strings.LastIndexByte(begun, ',')
	name, behind, colon := strings.Cut(begun, ":")
	switch {
	case comma >= 0:
		return completeOption(begun[:comma+1], begun[comma+1:], choices)
	case !colon:
		return begins(begun, starts())
	}
	k := kinds.find(Kind(name))
	if k == nil || k.body == nil {
		return nil
	}
	return completeBody(k, behind, choices)
}

// starts are the beginnings of all kinds.
func starts() []string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		if words[i] = string(k.name); k.body != nil {
			words[i] += ":"
		}
	}
	return words
}

// completeBody completes what stands behind the colon.
func completeBody(k *kind, behind string, choices Choices) []string {
	head := string(k.name) + ":"
	switch k.name {
	case Exec:
		return begins(head+behind, join(head, choices.Programs, ""))
	case HTTP:
		return begins(head+behind, join(head, []string{"http://", "https://"}, ""))
	case DNS:
		name, _, asked := strings.Cut(behind, "@")
		if !asked {
			return nil
		}
		return begins(head+behind, join(head+name+"@", choices.Hosts, ""))
	}
	if host, _, scoped := strings.Cut(behind, "%"); scoped {
		return begins(head+behind, join(head+host+"%", choices.Interfaces, portMark(k)))
	}
	return begins(head+behind, join(head, hosts(k, choices.Hosts), portMark(k)))
}

// hosts are the addresses as the kind writes them.
func hosts(k *kind, list []string) []string {
	if k.name != TCP {
		return list
	}
	list = slices.Clone(list)
	for i, host := range list {
		if strings.Contains(host, ":") {
			list[i] = "[" + host + "]"
		}
	}
	return list
}

func portMark(k *kind) string {
	if k.name == TCP {
		return ":"
	}
	return ""
}

// completeOption completes what stands behind the last comma; head ends in it.
func completeOption(head, item string, choices Choices) []string {
	p := parser{text: head}
	word, _ := p.word()
	k := kinds.find(Kind(word))
	if k == nil {
		return nil
	}
	name, _, assigned := strings.Cut(item, "=")
	if !assigned {
		return begins(head+item, join(head, unused(head, k.allowed()), "="))
	}
	o := findOption(name)
	if o == nil || !k.allows(name) {
		return nil
	}
	values := o.values
	if name == "interface" {
		values = choices.Interfaces
	}
	return begins(head+item, join(head+name+"=", values, ""))
}

// unused are the options that head does not have yet.
func unused(head string, names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return strings.Contains(head, ","+name+"=") })
}

func join(head string, words []string, tail string) []string {
	joined := make([]string, len(words))
	for i, word := range words {
		joined[i] = head + word + tail
	}
	return joined
}

// begins are the words that begin with prefix.
func begins(prefix string, words []string) []string {
	return slices.DeleteFunc(words, func(word string) bool { return !strings.HasPrefix(word, prefix) })
}
