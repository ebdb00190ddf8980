// Command holdfast manages the network of a host; package cli holds all of it.
package main

import (
	"os"

	"holdfast/cli"
)

func main() { os.Exit(cli.Main()) }
