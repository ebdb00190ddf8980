package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast"
	"holdfast/internal/problem"
)

// globals are the flags that every command takes.
type globals struct {
	engine   enum
	runDir   string
	stateDir string
	socket   string
	// standalone does without the daemon.
	standalone bool
	output     string
	color      enum
}

const rootLong = `holdfast brings a host's network to a declared state.

It reads the state from YAML or JSON files in nmstate's schema, shows what would
change, changes it as one transaction, checks the result, and puts everything
back if something is wrong. What a file does not mention stays as it is.`

const rootExample = `  holdfast show -o table              what is there, at a glance
  holdfast show br0 > br0.yml         one interface, as a file to edit
  holdfast plan br0.yml               what would change, and how disruptive it is
  holdfast apply br0.yml              change it, or put everything back
  holdfast apply --confirm 60s br0.yml   and back too unless confirmed in time
  holdfast history                    what was changed, by whom and when`

func newRoot(a *app) *cobra.Command {
	root := command(&cobra.Command{
		Use:               "holdfast",
		Short:             "Bring a host's network to a declared state",
		Long:              rootLong,
		Example:           rootExample,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              unknownCommand,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.flags.absolute() },
	})
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate)
	a.addGlobals(root)
	root.AddCommand(
		newShow(a), newPlan(a), newApply(a), newConfirm(a), newRollback(a), newDiff(a), newHistory(a), newWatch(a),
		newPersist(a), newUnpersist(a), newRestore(a), newDaemon(a), newVersion(a), newCompletion(a), newGuard(a),
	)
	root.SetHelpCommand(&cobra.Command{
		Use:    "help [COMMAND]",
		Short:  "Tell about a command",
		Hidden: true,
		RunE:   func(_ *cobra.Command, args []string) error { return help(root, args) },
	})
	return root
}

func (a *app) addGlobals(root *cobra.Command) {
	g := &a.flags
	g.engine = enum{value: "auto", words: []string{"auto", "kernel"}, later: map[string]string{
		"nm": "the NetworkManager engine comes with a later version; use kernel",
	}}
	g.color = enum{value: "auto", words: []string{"auto", "always", "never"}}
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.StringVarP(&g.output, "output", "o", "", "`FORMAT` of the output: each command tells which it has")
	flags.Var(&g.engine, "engine", "what reads and changes the host; auto is the kernel engine as long as there is no other")
	flags.Var(&g.color, "color", "whether to use colours; auto does on a terminal, unless NO_COLOR is set")
	flags.StringVar(&g.runDir, "run-dir", holdfast.DefaultRunDir, "`DIR` for what lasts until the next boot")
	flags.StringVar(&g.stateDir, "state-dir", holdfast.DefaultStateDir, "`DIR` for what outlives a boot")
	flags.StringVar(&g.socket, "socket", "", "`PATH` of the daemon's socket; holdfast.sock in the run directory without it")
	flags.BoolVar(&g.standalone, "standalone", false, "do without the daemon")
	_ = root.RegisterFlagCompletionFunc("output", completeFormats)
	complete(root, "engine", g.engine.words)
	complete(root, "color", g.color.words)
	_ = root.MarkPersistentFlagDirname("run-dir")
	_ = root.MarkPersistentFlagDirname("state-dir")
}

// absolute makes the directories mean the same in every process that is told of
// them: the guardian, and another session.
func (g *globals) absolute() (err error) {
	for _, dir := range []*string{&g.runDir, &g.stateDir, &g.socket} {
		if *dir == "" {
			continue
		}
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	return nil
}

// formatsKey is the annotation of a command that lists its output formats.
const formatsKey = "formats"

// formats lists the output formats of a command, the default one first.
func formats(words ...string) map[string]string {
	return map[string]string{formatsKey: strings.Join(words, " ")}
}

// format returns the output format that was asked for, the command's first
// when none was, or a usage error.
func (a *app) format(c *cobra.Command) (string, error) {
	words := strings.Fields(c.Annotations[formatsKey])
	if a.flags.output == "" {
		return words[0], nil
	}
	if slices.Contains(words, a.flags.output) {
		return a.flags.output, nil
	}
	return "", &usageError{
		message: fmt.Sprintf("-o: %q is not a format of %s", a.flags.output, c.Name()),
		hint:    "use one of " + strings.Join(words, ", "),
	}
}

func completeFormats(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return strings.Fields(c.Annotations[formatsKey]), cobra.ShellCompDirectiveNoFileComp
}

// flagError words what pflag found wrong with the flags.
func flagError(c *cobra.Command, err error) error {
	if !c.HasParent() && c.Flags().NArg() > 0 { // a flag of a command that is not one
		return unknownCommand(c, c.Flags().Args())
	}
	usage := &usageError{message: err.Error(), hint: "see " + c.CommandPath() + " --help"}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		usage.message, usage.hint = flagValueError(e, usage.hint)
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if s := problem.Suggest(e.GetSpecifiedName(), flagNames(c)); s != "" && e.GetSpecifiedShortnames() == "" {
			usage.hint = `did you mean "--` + s + `"?`
		}
	}
	return usage
}

// flagValueError words what is wrong with the value of a flag, and says what to
// do about it: hint where there is nothing better.
func flagValueError(e *pflag.InvalidValueError, hint string) (message, better string) {
	what := strings.TrimPrefix(e.Unwrap().Error(), "probe ")
	switch e.GetFlag().Value.Type() {
	case "bool":
		what, hint = fmt.Sprintf("%q is not a truth value", e.GetValue()), "leave the value out"
	case "duration":
		what, hint = fmt.Sprintf("%q is not a duration", e.GetValue()), durationHint
	}
	if p := problemsOf(e); len(p) > 0 && p[0].Hint != "" {
		hint = p[0].Hint
	}
	return fmt.Sprintf("--%s: %s", e.GetFlag().Name, what), hint
}

// durationHint says how a duration is written.
const durationHint = "give a duration such as 30s or 5m"

// usageTemplate is the part of the help below a command's description, in the
// language of text/template that cobra takes.
const usageTemplate = `Usage:
  {{if .HasParent}}{{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}{{if .HasParent}}
  {{end}}{{.CommandPath}} COMMAND{{end}}
{{- if .HasExample}}

Examples:
{{.Example}}{{end}}
{{- if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}
{{- if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
{{- if .HasAvailableInheritedFlags}}

Flags of every command:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
{{if .HasAvailableSubCommands}}
{{.CommandPath}} COMMAND --help tells about a command.
{{end}}`

func help(root *cobra.Command, args []string) error {
	c, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		return unknownCommand(root, args)
	}
	return c.Help()
}

// unknownCommand is the root's check of its arguments: there are none.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	hint := problem.DidYouMean(args[0], names)
	if hint == "" {
		hint = "see holdfast --help"
	}
	return &usageError{message: fmt.Sprintf("unknown command %q", args[0]), hint: hint}
}

// wantsJSON tells whether the arguments ask for JSON, also when they are wrong
// elsewhere and were never parsed to the end.
func wantsJSON(args []string) bool {
	want := false
	for i, arg := range args {
		switch {
		case arg == "--":
			return want
		case (arg == "-o" || arg == "--output") && i+1 < len(args):
			want = args[i+1] == "json"
		case strings.HasPrefix(arg, "--output="):
			want = arg == "--output=json"
		case strings.HasPrefix(arg, "-o") && len(arg) > 2:
			want = strings.TrimPrefix(arg[2:], "=") == "json"
		}
	}
	return want
}

func noColor() bool { return os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" }
