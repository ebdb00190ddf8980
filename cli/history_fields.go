package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"holdfast/state"
)

// fieldTurns compares an interface of two configurations, value by value; of
// several in a list it tells what was taken out and what was put in.
func fieldTurns(from, to *state.Interface) []turn {
	before, after := fields(from), fields(to)
	keys := slices.Collect(maps.Keys(before))
	for key := range after {
		if _, known := before[key]; !known {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var turns []turn
	for _, key := range keys {
		was, is := before[key], after[key]
		if len(was) == 1 && len(is) == 1 {
			if was[0] != is[0] {
				turns = append(turns, turn{from.Name, key, was[0], is[0]})
			}
			continue
		}
		for _, value := range without(was, is) {
			turns = append(turns, turn{from.Name, key, value, ""})
		}
		for _, value := range without(is, was) {
			turns = append(turns, turn{from.Name, key, "", value})
		}
	}
	return turns
}

// without lists what is in a and not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(value string) bool { return slices.Contains(b, value) })
}

// fields are the values of an interface by their path of keys, several where
// the schema has a list.
func fields(i *state.Interface) map[string][]string {
	var document struct {
		Interfaces []map[string]any `json:"interfaces"`
	}
	text := state.EncodeJSON(&state.State{Interfaces: []*state.Interface{i}})
	if err := json.Unmarshal(text, &document); err != nil || len(document.Interfaces) != 1 {
		panic(fmt.Sprintf("internal error: an interface is printed as %s: %v", text, err))
	}
	found := map[string][]string{}
	spread(found, "", document.Interfaces[0])
	return found
}

// spread puts what lies below a key into found.
func spread(found map[string][]string, key string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, below := range value {
			spread(found, strings.TrimPrefix(key+"."+name, "."), below)
		}
	case []any:
		for _, element := range value {
			found[key] = append(found[key], brief(element))
		}
	default:
		found[key] = []string{brief(value)}
	}
}

// brief is a value on one line: of an address its prefix, of a port its name.
func brief(value any) string {
	fields, ok := value.(map[string]any)
	if !ok {
		return fmt.Sprint(value)
	}
	if ip, length := fields["ip"], fields["prefix-length"]; len(fields) == 2 && ip != nil && length != nil {
		return fmt.Sprintf("%v/%v", ip, length)
	}
	if name := fields["name"]; len(fields) == 1 && name != nil {
		return fmt.Sprint(name)
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return string(text)
}
