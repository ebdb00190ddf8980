package main

import "errors"

func execTests([]string) (int, error)    { return 1, errors.New("exec: on its way") }
func listPackages([]string) (int, error) { return 1, errors.New("tests: on its way") }
