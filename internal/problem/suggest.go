package problem

import "strings"

// Suggest returns the candidate that word was most likely meant to be, or ""
// when none is near. Letter case and the choice between '-' and '_' do not
// count; a missing, added, wrong or swapped letter counts one each, and one
// in three letters may be wrong. Of equally near ones the first wins. When
// none is near, the only one that begins with word is meant.
func Suggest(word string, candidates []string) string {
	folded := fold(word)
	best, limit := "", max(1, len(folded)/3)+1
	for _, c := range candidates {
		if d := distance(folded, fold(c), limit); d < limit {
			best, limit = c, d
		}
	}
	if best == "" {
		return completion(folded, candidates)
	}
	return best
}

// completion returns the only candidate that begins with a word of at least
// three letters, or "".
func completion(folded string, candidates []string) string {
	found := ""
	for _, c := range candidates {
		if len(folded) < 3 || !strings.HasPrefix(fold(c), folded) {
			continue
		}
		if found != "" {
			return ""
		}
		found = c
	}
	return found
}

// DidYouMean returns the hint `did you mean "…"?` for the nearest candidate,
// or "" when none is near.
func DidYouMean(word string, candidates []string) string {
	if s := Suggest(word, candidates); s != "" {
		return `did you mean "` + s + `"?`
	}
	return ""
}

func fold(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "_", "-")
}

// distance is the optimal string alignment distance of a and b in bytes, or
// some number of at least limit when it is not below limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	older := make([]int, len(b)+1)
	old := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}
