package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite the generated files")

//go:generate go test . -run TestReference -update

const referenceFile = "../docs/cli.md"

// TestReference compares docs/cli.md with the commands.
func TestReference(t *testing.T) {
	got := reference(newRoot(&app{out: &sink{}, err: &sink{}}))
	if *update {
		if err := os.WriteFile(referenceFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/cli.md is not what the commands say; run make generate (-want +got)\n%s", diff)
	}
}

// reference is the manual of all commands, in Markdown.
func reference(root *cobra.Command) []byte {
	var b bytes.Buffer
	b.WriteString("# Command line\n\nThis page is made from the commands by `make generate`.\n\n")
	fmt.Fprintf(&b, "%s\n\n", root.Long)
	fmt.Fprintf(&b, "Examples:\n\n%s\n\n", indented(root.Example))
	b.WriteString("Exit codes: 0 done; 1 refused or invalid, nothing was changed; 2 (plan, diff) there are changes; 3 failed and\n" +
		"rolled back, the host is as it was; 4 failed and the rollback failed too, the host differs; 5 (restore) degraded.\n\n")
	b.WriteString("The environment variable `NO_COLOR` turns colours off, and `HOLDFAST_LOG=info` or `debug` logs to standard error.\n\n")
	b.WriteString("Flags of every command:\n\n")
	flagTable(&b, root.PersistentFlags())
	sections(&b, root)
	return b.Bytes()
}

// sections are those of the commands below one, each with its own below it.
func sections(b *bytes.Buffer, above *cobra.Command) {
	for _, c := range above.Commands() {
		if c.IsAvailableCommand() {
			section(b, c)
			sections(b, c)
		}
	}
}

func section(b *bytes.Buffer, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", c.CommandPath(), strings.TrimSpace(indentLists(c.Long)))
	fmt.Fprintf(b, "\n    %s\n", c.UseLine())
	if c.Example != "" {
		fmt.Fprintf(b, "\nExamples:\n\n%s\n", indented(c.Example))
	}
	if c.LocalNonPersistentFlags().HasAvailableFlags() {
		b.WriteString("\n")
		flagTable(b, c.LocalNonPersistentFlags())
	}
}

// indentLists makes literal blocks of the lines that the help indents.
func indentLists(text string) string { return strings.ReplaceAll(text, "\n  ", "\n      ") }

func indented(example string) string {
	return "  " + strings.ReplaceAll(example, "\n", "\n  ")
}

func flagTable(b *bytes.Buffer, flags *pflag.FlagSet) {
	b.WriteString("| flag | | default |\n|---|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		name, usage := pflag.UnquoteUsage(f)
		text := "--" + f.Name
		if f.Shorthand != "" {
			text = "-" + f.Shorthand + ", " + text
		}
		if name != "" {
			text += " " + strings.ReplaceAll(name, "|", "\\|")
		}
		value := f.DefValue
		if value == "false" || value == "0s" {
			value = ""
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", text, usage, value)
	})
}
