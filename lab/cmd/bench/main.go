// Command bench measures holdfast against ip(8) doing the same, in one run on
// one host, and prints ratios. It changes the network of the host that it runs
// on, so it runs in the lab only.
//
//	bench [-rounds N] [-sizes 10,100,1000] HOLDFAST
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	rounds := flag.Int("rounds", 3, "how often each thing is timed; the median counts")
	sizes := flag.String("sizes", "10,100,1000", "how many networks, several numbers with commas")
	label := flag.String("label", "", "what to say about the host in the table's title")
	others := flag.Bool("peers", false, "measure other network managers instead, at the first of the sizes")
	flag.Parse()
	if os.Getenv("HOLDFAST_LAB") != "1" {
		return fmt.Errorf("it changes the host's network: run it by `make bench`, in the lab")
	}
	if flag.NArg() != 1 {
		return fmt.Errorf("usage: bench [-rounds N] [-sizes N,N] HOLDFAST")
	}
	binary, err := filepath.Abs(flag.Arg(0))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{holdfast: binary, dir: dir, rounds: *rounds}
	if err := b.prepare(); err != nil {
		return err
	}
	if *others {
		n, err := strconv.Atoi(*sizes)
		if err != nil {
			return err
		}
		fmt.Printf("%s\n\n", *label)
		return b.peerTable(n)
	}
	var results []result
	for word := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		r, err := b.size(n)
		if err != nil {
			return fmt.Errorf("%d networks: %w", n, err)
		}
		results = append(results, r)
	}
	table(results, *label)
	return nil
}

// table writes it in Markdown: a row for each thing, a column for each
// size.
func table(results []result, label string) {
	if label != "" {
		fmt.Printf("%s\n\n", label)
	}
	head, line := []string{"what", "peer", "goal at 100 and 1000"}, []string{"---", "---", "---"}
	for _, r := range results {
		head, line = append(head, strconv.Itoa(r.networks)), append(line, "---")
	}
	fmt.Printf("| %s |\n| %s |\n", strings.Join(head, " | "), strings.Join(line, " | "))
	for i, row := range rows {
		cells := []string{row.what, row.peer, row.goal}
		for _, r := range results {
			cells = append(cells, r.cells[i])
		}
		fmt.Printf("| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Println(growth(results))
}

// growth compares how much longer the largest size takes than the one before.
func growth(results []result) string {
	if len(results) < 2 {
		return ""
	}
	a, b := results[len(results)-2], results[len(results)-1]
	ours, theirs := b.apply/a.apply, b.batch/a.batch
	return fmt.Sprintf("\nGrowth of apply from %d to %d networks: %.1f times, of `ip -batch` %.1f times (ratio %.2f, goal 1.0).",
		a.networks, b.networks, ours, theirs, ours/theirs)
}

// median is the middle one; the list is not empty.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
