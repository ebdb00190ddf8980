package cli

// color is a terminal's colour (ECMA-48, SGR).
type color string

const (
	bold   color = "1"
	dim    color = "2"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
	cyan   color = "36"
)

// painter colours a text, or leaves it as it is.
type painter func(c color, text string) string

func plain(_ color, text string) string { return text }

func colored(c color, text string) string {
	if text == "" {
		return ""
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// colors tells whether what goes to the stream is coloured: on a terminal
// unless NO_COLOR (no-color.org) is set, or as --color says.
func (a *app) colors(s *sink) bool {
	switch a.flags.color.value {
	case "always":
		return true
	case "never":
		return false
	}
	return s.terminal() && !noColor()
}

func (a *app) painter(s *sink) painter {
	if a.colors(s) {
		return colored
	}
	return plain
}
