package schemadoc

import "strings"

// goWords turns what comments say to programmers into what it means to the
// author of a document.
var goWords = strings.NewReplacer(
	"; the zero one was not mentioned", "",
	"; a nil or empty member was not mentioned", "",
	"; a nil member was not mentioned", "",
	" A nil member was not mentioned.", "",
	" A nil slice prints as an empty list.", "",
	" A nil list was not mentioned, an empty one purges.", " An empty list purges.",
	" Its kind's section is nil when not mentioned.", "",
	"The zero address (an empty string in the document)", "An empty text",
	"; read only.", ".",
	"; it is read only.", ".",
	"; it is not carried out.", ".",
	"; it is kept, not carried out.", ".",
	"; true if nil", "",
	"; true by default", "",
	"; name by default", "",
	"; 802.1q if not mentioned", "",
	"-1 and nil are", "-1 is",
	"-1 and nil choose", "-1 chooses",
	"0 and nil are", "0 is",
	". nil ", ". Leaving it out ",
	"; nil ", "; leaving it out ",
)

// forPeople makes a sentence for people out of the comment of a name of Go.
func forPeople(name, comment string) string {
	text := goWords.Replace(strings.TrimPrefix(comment, name+" "))
	for _, verb := range []string{"is ", "are "} {
		text = strings.TrimPrefix(text, verb)
	}
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
