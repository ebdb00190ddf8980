package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"holdfast/lab"
)

func powerCut([]string) (int, error) { return 1, lab.PowerCut() }

func qmp(args []string) (int, error) {
	if len(args) == 0 || len(args) > 2 {
		return 2, errors.New("usage: lab qmp COMMAND [ARGUMENTS-AS-JSON]")
	}
	var arguments map[string]any
	if len(args) == 2 {
		if err := json.Unmarshal([]byte(args[1]), &arguments); err != nil {
			return 2, fmt.Errorf("arguments of %s: %w", args[0], err)
		}
	}
	answer, err := lab.QMP(args[0], arguments)
	if err != nil {
		return 1, err
	}
	fmt.Println(string(answer))
	return 0, nil
}
