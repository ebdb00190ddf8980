package cli

import (
	"net"
	"slices"

	"github.com/spf13/cobra"
)

const completionLong = `Print the script that makes a shell complete holdfast's commands, flags and
interface names. Bash needs the package bash-completion for it.`

const completionExample = `  holdfast completion bash > /etc/bash_completion.d/holdfast
  holdfast completion zsh > "${fpath[1]}/_holdfast"
  holdfast completion fish > ~/.config/fish/completions/holdfast.fish`

var shells = []string{"bash", "zsh", "fish"}

func newCompletion(a *app) *cobra.Command {
	return command(&cobra.Command{
		Use:       "completion bash|zsh|fish",
		Short:     "Print a shell's completion script",
		Long:      completionLong,
		Example:   completionExample,
		ValidArgs: shells,
		Args:      oneShell,
		RunE: func(c *cobra.Command, args []string) error {
			switch args[0] {
			case "zsh":
				return c.Root().GenZshCompletion(a.out)
			case "fish":
				return c.Root().GenFishCompletion(a.out, true)
			}
			return c.Root().GenBashCompletionV2(a.out, true)
		},
	})
}

func oneShell(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &usageError{message: "completion: exactly one shell is wanted", hint: "holdfast " + c.Use}
	}
	shell := enum{words: shells}
	if err := shell.Set(args[0]); err != nil {
		p := problemsOf(err)[0]
		hint := p.Hint
		if hint == "" {
			hint = "holdfast " + c.Use
		}
		return &usageError{message: "completion: " + p.Message, hint: hint}
	}
	return nil
}

// completeLinks offers the names of the host's links that are not given yet to
// the shell.
func completeLinks(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, 0, len(links))
	for _, l := range links {
		if !slices.Contains(given, l.Name) {
			names = append(names, l.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
