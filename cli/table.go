package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"holdfast/state"
)

// none stands in a table for what is not there.
const none = "-"

// columns writes rows aligned under a header, without lines around them.
func columns(w io.Writer, paint painter, header []string, rows [][]string) {
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box:     table.BoxStyle{PaddingRight: "  ", UnfinishedRow: "~"},
		Options: table.OptionsNoBordersAndSeparators,
	})
	t.SuppressTrailingSpaces()
	head := make(table.Row, len(header))
	for i, h := range header {
		head[i] = paint(bold, h)
	}
	t.AppendHeader(head)
	for _, row := range rows {
		cells := make(table.Row, len(row))
		for i, c := range row {
			cells[i] = c
		}
		t.AppendRow(cells)
	}
	_, _ = fmt.Fprintln(w, t.Render())
}

// interfaceTable writes one row for each interface, with one line for each of
// its addresses.
func interfaceTable(w io.Writer, paint painter, interfaces []*state.Interface) {
	rows := make([][]string, 0, len(interfaces))
	for _, i := range interfaces {
		rows = append(rows, []string{
			paint(bold, i.Name), string(i.Type), stateCell(paint, i), orNone(string(i.MAC)), mtuCell(i),
			orNone(controllerOf(i)), orNone(strings.Join(addresses(i), "\n")),
		})
	}
	columns(w, paint, []string{"NAME", "TYPE", "STATE", "MAC", "MTU", "CONTROLLER", "ADDRESSES"}, rows)
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
