package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"holdfast/state"
)

// none stands in a table for what is not there.
const none = "-"

// row is one line of a table. Its notes are the last column; on a terminal those
// that are too long for it stand below the row, behind the lead.
type row struct {
	cells []string
	notes []string
	lead  string
}

// grid is a table with a header. The last column of the header is that of the
// notes, which are parted by sep where there is no terminal.
type grid struct {
	header []string
	rows   []row
	sep    string
	// bare stands in the column of notes where there are none.
	bare  string
	paint painter
}

// gap is what stands between two notes on one line.
const gap = "  "

// write writes the table for a terminal of that many columns; 0 is none.
func (g *grid) write(w io.Writer, width int) {
	lines := g.render(width == 0)
	if width > 0 {
		lines = g.withNotes(lines, width)
	}
	_, _ = fmt.Fprintln(w, strings.Join(lines, "\n"))
}

// render returns the lines of the table with or without the column of notes.
func (g *grid) render(notes bool) []string {
	header, rows := g.header, make([][]string, 0, len(g.rows))
	if !notes {
		header = header[:len(header)-1]
	}
	for _, r := range g.rows {
		cells := slices.Clip(r.cells)
		if notes {
			cells = append(cells, cmp.Or(strings.Join(r.notes, g.sep), g.bare))
		}
		rows = append(rows, cells)
	}
	return aligned(g.paint, header, rows)
}

// withNotes puts the notes of each row beside its line if they fit there, and
// below it if not.
func (g *grid) withNotes(lines []string, width int) []string {
	column := widest(lines)
	beside := func(line, notes string) (string, bool) {
		padding := strings.Repeat(" ", column-columnsOf(line))
		return line + padding + gap + notes, column+len(gap)+columnsOf(notes) <= width
	}
	all := make([]string, 0, 2*len(lines))
	head := g.paint(bold, g.header[len(g.header)-1])
	if line, fits := beside(lines[0], head); fits {
		all = append(all, line)
	} else {
		all = append(all, lines[0])
	}
	for n, r := range g.rows {
		line := lines[n+1]
		if whole, fits := beside(line, strings.Join(r.notes, gap)); fits && len(r.notes) > 0 {
			all = append(all, whole)
			continue
		}
		all = append(all, line)
		lead := r.lead
		if strings.TrimSpace(lead) != "" {
			lead = g.paint(dim, lead)
		}
		for _, notes := range fill(r.notes, width-columnsOf(r.lead)) {
			all = append(all, lead+notes)
		}
	}
	return all
}

// fill puts the notes on as few lines of that width as their order allows.
func fill(notes []string, width int) []string {
	var lines []string
	for _, note := range notes {
		last := len(lines) - 1
		if last >= 0 && columnsOf(lines[last]+gap+note) <= width {
			lines[last] += gap + note
			continue
		}
		lines = append(lines, note)
	}
	return lines
}

// columnsOf is how many columns of a terminal a text takes.
func columnsOf(s string) int { return text.StringWidthWithoutEscSequences(s) }

func widest(lines []string) int {
	most := 0
	for _, l := range lines {
		most = max(most, columnsOf(l))
	}
	return most
}

// aligned returns the lines of rows under a header, without lines around them.
func aligned(paint painter, header []string, rows [][]string) []string {
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box:     table.BoxStyle{PaddingRight: gap, UnfinishedRow: "~"},
		Options: table.OptionsNoBordersAndSeparators,
	})
	t.SuppressTrailingSpaces()
	head := make(table.Row, len(header))
	for i, h := range header {
		head[i] = paint(bold, h)
	}
	t.AppendHeader(head)
	for _, r := range rows {
		cells := make(table.Row, len(r))
		for i, c := range r {
			cells[i] = c
		}
		t.AppendRow(cells)
	}
	return strings.Split(t.Render(), "\n")
}

// interfaceTable writes one row for each interface, for a terminal of that many
// columns; where there is none, 0, each address has a line of its own.
func interfaceTable(w io.Writer, paint painter, width int, interfaces []*state.Interface) {
	lastingTable(w, paint, width, interfaces, nil)
}

// lastingTable is interfaceTable with a column that tells how long each
// interface lasts, if any is in lasts.
func lastingTable(w io.Writer, paint painter, width int, interfaces []*state.Interface, lasts map[string]string) {
	g := &grid{
		header: []string{"NAME", "TYPE", "STATE", "MAC", "MTU", "CONTROLLER", "ADDRESSES"},
		sep:    "\n", bare: none, paint: paint,
	}
	for _, i := range interfaces {
		g.rows = append(g.rows, row{
			cells: []string{
				paint(bold, i.Name), string(i.Type), stateCell(paint, i), macCell(i), mtuCell(i), orNone(controllerOf(i)),
			},
			notes: addresses(i),
			lead:  "    ",
		})
	}
	if len(lasts) > 0 {
		g.insert("LIFETIME", func(n int) string { return lifetimeCell(paint, lasts[interfaces[n].Name]) })
	}
	g.write(w, width)
}

// insert adds a column before that of the notes.
func (g *grid) insert(title string, cell func(row int) string) {
	g.header = slices.Insert(g.header, len(g.header)-1, title)
	for n := range g.rows {
		g.rows[n].cells = append(g.rows[n].cells, cell(n))
	}
}

// lifetimeCell is how long an interface lasts, nothing for those that are not
// holdfast's.
func lifetimeCell(paint painter, word string) string {
	if word == temporary || word == partly {
		return paint(yellow, word)
	}
	return orNone(word)
}

// longestMAC is the length of an Ethernet address in text.
const longestMAC = len("00:00:00:00:00:00")

// macCell is the hardware address. Of a longer one (InfiniBand's has 20 bytes)
// only the end is shown, which tells two apart.
func macCell(i *state.Interface) string {
	mac := orNone(string(i.MAC))
	if len(mac) > longestMAC {
		return "…" + mac[len(mac)-longestMAC+len("00"):]
	}
	return mac
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

// stateCell is the interface's state, with a word on a missing carrier: an
// interface that is up without one moves no packet.
func stateCell(paint painter, i *state.Interface) string {
	switch {
	case i.State == state.Up && i.Facts != nil && !i.Facts.Carrier:
		return paint(yellow, "no-carrier")
	case i.State == state.Up:
		return paint(green, "up")
	case i.State == state.Down:
		return paint(dim, "down")
	}
	return orNone(string(i.State))
}

func mtuCell(i *state.Interface) string {
	if i.MTU == nil {
		return none
	}
	return strconv.FormatUint(uint64(*i.MTU), 10)
}

func controllerOf(i *state.Interface) string {
	if i.Controller == nil {
		return ""
	}
	return *i.Controller
}

// addresses lists an interface's addresses, IPv4 first. What is wrong with one
// stands behind it.
func addresses(i *state.Interface) []string {
	var all []state.Address
	if i.IPv4 != nil {
		all = append(all, i.IPv4.Address...)
	}
	if i.IPv6 != nil {
		all = append(all, i.IPv6.Address...)
	}
	texts := make([]string, 0, len(all))
	for _, a := range all {
		text := a.Prefix().String()
		if a.Facts != nil && a.Facts.Failed {
			text += " (duplicate)"
		}
		texts = append(texts, text)
	}
	return texts
}
