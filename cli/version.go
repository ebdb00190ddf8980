package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is what the binary says of itself.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion(a *app) *cobra.Command {
	return command(&cobra.Command{
		Use:         "version",
		Short:       "Print the version",
		Long:        "Print the version of this binary and what it was built from: -o text or json.",
		Annotations: formats("text", "json"),
		Args:        noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			format, err := a.format(c)
			if err != nil {
				return err
			}
			b := readBuild()
			if format == "json" {
				a.out.json(b)
				return nil
			}
			_, _ = fmt.Fprintf(a.out, "holdfast %s (%s) %s %s\n", b.Version, b.Commit, b.Go, b.Platform)
			return nil
		},
	})
}

// readBuild asks the binary itself. What the build did not know is "unknown".
func readBuild() build {
	b := build{Version: "unknown", Commit: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
