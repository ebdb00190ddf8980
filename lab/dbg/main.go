package main

import (
	"fmt"
	"os"

	"holdfast/plan"
	"holdfast/state"
)

func main() {
	a, _ := os.ReadFile(os.Args[1])
	b, _ := os.ReadFile(os.Args[2])
	cur, err := state.Parse("a", a)
	if err != nil {
		panic(err)
	}
	des, err := state.Parse("b", b)
	if err != nil {
		panic(err)
	}
	t, err := state.Merge(cur, des)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(state.EncodeYAML(t.State)))
	p, err := plan.Make(cur, t, plan.Options{})
	if err != nil {
		panic(err)
	}
	for _, s := range p.Steps {
		fmt.Println(s.Level, s.Verb, s.Object, s.Keys, s.Changes, s.Impact, s.Why)
	}
}
