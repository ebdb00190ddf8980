package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"holdfast/lab/discover"
	"holdfast/lab/machine"
)

// queue holds the tests that are to be run, by the kind of machine that they want, longest first. A worker joins a kind,
// takes its tests, and leaves.
type queue struct {
	total int

	mu      sync.Mutex
	kinds   []discover.Machine // in the order in which they are first served
	waiting map[discover.Machine][]string
	workers map[discover.Machine]int
}

// worthwhile is how many tests must wait for each worker of a kind before another boots a machine for it.
const worthwhile = 4

func newQueue(tests []discover.Test, took map[string]float64) *queue {
	q := &queue{
		total: len(tests), waiting: map[discover.Machine][]string{}, workers: map[discover.Machine]int{},
	}
	for _, test := range tests {
		if !slices.Contains(q.kinds, test.Machine) {
			q.kinds = append(q.kinds, test.Machine)
		}
		q.waiting[test.Machine] = append(q.waiting[test.Machine], test.Name)
	}
	for _, names := range q.waiting {
		slices.SortStableFunc(names, func(a, b string) int {
			switch {
			case took[a] > took[b]:
				return -1
			case took[a] < took[b]:
				return 1
			}
			return 0
		})
	}
	slices.SortStableFunc(q.kinds, func(a, b discover.Machine) int { return len(q.waiting[b]) - len(q.waiting[a]) })
	return q
}

// join finds a kind that nobody serves yet, or one with so much to do that a second machine pays.
func (q *queue) join() (discover.Machine, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, kind := range q.kinds {
		if len(q.waiting[kind]) > worthwhile*q.workers[kind] {
			q.workers[kind]++
			return kind, true
		}
	}
	return discover.Machine{}, false
}

func (q *queue) leave(kind discover.Machine) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.workers[kind]--
}

// next takes the longest test that waits for the kind.
func (q *queue) next(kind discover.Machine) (string, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	names := q.waiting[kind]
	if len(names) == 0 {
		return "", false
	}
	q.waiting[kind] = names[1:]
	return names[0], true
}

// durationsFile keeps how long this package's tests took, only to begin with the longest next time.
func durationsFile() (string, error) {
	cache, err := machine.Cache()
	if err != nil {
		return "", err
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "durations", strings.ReplaceAll(strings.Trim(dir, "/"), "/", "_")+".json"), nil
}

func readDurations() map[string]float64 {
	took := map[string]float64{}
	path, err := durationsFile()
	if err != nil {
		return took
	}
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &took) != nil {
		return map[string]float64{}
	}
	return took
}

// writeDurations is a favour to the next run: nothing depends on it.
func writeDurations(took map[string]float64) {
	path, err := durationsFile()
	if err != nil {
		return
	}
	text, err := json.Marshal(took)
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	temporary := path + "." + filepath.Base(os.TempDir()) + ".new"
	if os.WriteFile(temporary, text, 0o644) == nil {
		_ = os.Rename(temporary, path)
	}
}
