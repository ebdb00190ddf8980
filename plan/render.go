package plan

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"holdfast/internal/natural"
)

// RenderOptions say how a plan is printed for people.
type RenderOptions struct {
	// Color marks disruption with the terminal's colours.
	Color bool
}

// The colours of a terminal (ECMA-48, 8.3.117).
const (
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

// sign is how an impact is marked in front of a step.
var sign = map[Impact]string{ImpactNone: " ", ImpactHot: "~", ImpactDetach: "!", ImpactDown: "!", ImpactRecreate: "!"}

// word is what an impact is called beside a step.
var word = map[Impact]string{ImpactDetach: "[port detached]", ImpactDown: "[link down]", ImpactRecreate: "[link removed]"}

// verbText is what a verb is called.
var verbText = map[Verb]string{
	CreateLink: "create", ChangeLink: "set", RemoveLink: "remove", SetUp: "set up", SetDown: "set down",
	Attach: "attach", Detach: "detach", ChangePort: "set port", ChangeVLANs: "set VLANs", ChangeIP: "set",
	AddAddress: "add", RemoveAddress: "remove", AddRoute: "add", RemoveRoute: "remove", ReplaceRoute: "replace",
	AddRule: "add", RemoveRule: "remove", AddName: "add", RemoveName: "remove", Describe: "note", SetDNS: "set", SetHostname: "set",
}

// Render prints the plan for people: the steps grouped by interface, by name,
// in the order in which they are done, values from and to, disruption marked,
// and the warnings last. It returns the error of w.
func Render(w io.Writer, p *Plan, options RenderOptions) error {
	r := &renderer{color: options.Color}
	if p.Empty() {
		r.line("Nothing to do.")
	}
	for n, group := range groups(p) {
		if n > 0 {
			r.line("")
		}
		r.group(group)
	}
	if !p.Empty() {
		r.line("")
		r.line("%s", summary(p))
	}
	for _, warning := range p.Warnings {
		r.line("%s %s", r.paint(yellow, "warning:"), warning)
	}
	_, err := io.WriteString(w, r.out.String())
	return err
}

// stepGroup is the steps of one object.
type stepGroup struct {
	title string
	place int
	steps []*Step
}

// groups gathers the steps by interface; routes, rules and the rest follow.
func groups(p *Plan) []*stepGroup {
	byTitle := map[string]*stepGroup{}
	var list []*stepGroup
	for n := range p.Steps {
		s := &p.Steps[n]
		title, place := titleOf(s)
		g := byTitle[title]
		if g == nil {
			g = &stepGroup{title: title, place: place}
			byTitle[title] = g
			list = append(list, g)
		}
		g.steps = append(g.steps, s)
	}
	slices.SortStableFunc(list, func(a, b *stepGroup) int {
		if c := cmp.Compare(a.place, b.place); c != 0 || a.place > 0 {
			return c
		}
		return natural.Compare(a.title, b.title)
	})
	return list
}

// titleOf is the heading that a step belongs under, and the heading's place.
func titleOf(s *Step) (title string, place int) {
	switch s.Verb {
	case AddRoute, RemoveRoute, ReplaceRoute:
		return "routes", 1
	case AddRule, RemoveRule:
		return "route rules", 2
	case SetDNS:
		return "dns resolver", 3
	case SetHostname:
		return "host name", 4
	}
	if s.Type == "" {
		return s.Object, 0
	}
	return fmt.Sprintf("%s (%s)", s.Object, s.Type), 0
}

// summary counts the steps.
func summary(p *Plan) string {
	disruptive := 0
	for n := range p.Steps {
		if p.Steps[n].Disrupts() {
			disruptive++
		}
	}
	text := fmt.Sprintf("%d steps", len(p.Steps))
	if len(p.Steps) == 1 {
		text = "1 step"
	}
	if disruptive == 0 {
		return text + ", none disruptive."
	}
	return fmt.Sprintf("%s, %d disruptive (marked !).", text, disruptive)
}

// renderer collects lines.
type renderer struct {
	color bool
	out   strings.Builder
}

func (r *renderer) line(format string, args ...any) {
	r.out.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	r.out.WriteByte('\n')
}

// paint puts a colour around text.
func (r *renderer) paint(color, text string) string {
	if !r.color || text == "" {
		return text
	}
	return color + text + plain
}

// row is one line of a group: what to do, and why.
type row struct {
	impact    Impact
	what, why string
}

// group prints one heading with its steps, aligned.
func (r *renderer) group(g *stepGroup) {
	r.line("%s", r.paint(bold, g.title))
	var rows []row
	width := 0
	for _, s := range g.steps {
		rows = append(rows, stepRows(s)...)
	}
	for _, row := range rows {
		if n := len([]rune(row.what)); n <= widest {
			width = max(width, n)
		}
	}
	for _, row := range rows {
		color := ""
		switch {
		case rank[row.impact] >= rank[ImpactDetach]:
			color = red
		case row.impact == ImpactHot:
			color = yellow
		}
		mark := sign[row.impact]
		if color != "" {
			mark = r.paint(color, mark)
		}
		gap := strings.Repeat(" ", max(width-len([]rune(row.what)), 0))
		r.line("  %s %s%s  %s", mark, row.what, gap, row.why)
	}
}

// widest is up to where reasons are aligned, in characters.
const widest = 72

// stepRows are the lines of a step: one for each value, with the reason beside
// the first.
func stepRows(s *Step) []row {
	why := "# " + s.Why
	if w := word[s.Impact]; w != "" {
		why = "# " + w + " " + s.Why
	}
	if len(s.Affects) > 0 {
		why += ", affects " + strings.Join(s.Affects, ", ")
	}
	if len(s.Changes) == 0 || s.Verb == SetUp || s.Verb == SetDown {
		return []row{{s.Impact, verbText[s.Verb], why}}
	}
	var rows []row
	for n, c := range s.Changes {
		what := verbText[s.Verb] + " " + changeText(s, c)
		if n > 0 {
			what, why = strings.Repeat(" ", len(verbText[s.Verb]))+" "+changeText(s, c), ""
		}
		rows = append(rows, row{s.Impact, what, why})
	}
	return rows
}

// changeText is one value from and to.
func changeText(s *Step, c Change) string {
	if words, ok := ownKeys[c.Key]; ok {
		return words
	}
	key := shortKey(c.Key)
	switch s.Verb {
	case AddRoute, RemoveRoute:
		return strings.TrimSpace(s.Object + " " + c.From + c.To)
	case AddRule, RemoveRule:
		return s.Object + ": " + c.From + c.To
	case ReplaceRoute:
		key = s.Object
	case AddAddress, RemoveAddress, AddName, RemoveName:
		return key + " " + c.From + c.To
	}
	switch {
	case c.From == "":
		return key + ": " + quoted(c.To)
	case c.To == "":
		return key + ": " + c.From + " → none"
	case c.From == c.To:
		return key + ": " + c.To
	}
	return key + ": " + c.From + " → " + c.To
}

// ownKeys says the keys that are not the schema's in words.
var ownKeys = map[string]string{
	KeyQuiet:   "ipv6: no automatic addresses",
	KeyRestore: "ipv6: automatic addresses as by default",
	KeyReset:   "ipv6: every setting as by default",
}

// quoted makes an empty value visible.
func quoted(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// shortKey is a key without the section that the heading tells already.
func shortKey(key string) string {
	for _, prefix := range [...]string{"link-aggregation.options.", "link-aggregation.", "bridge.options.", "bridge.", "vlan.", "veth.", "ethernet."} {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			return rest
		}
	}
	return key
}
