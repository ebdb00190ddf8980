package document

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isBare reports whether every YAML reader takes the unquoted text s for the
// string s. It is on the safe side: numbers of YAML 1.1 with underscores, in
// base 60 (52:54:00:12:34:56), octal or with exponents, dates, and the words
// for truth values and null are not bare, nor is anything with characters
// that mean something somewhere.
func isBare(s string) bool {
	if s == "" || !startsBare(s[0]) {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case isLetter(c) || isDigit(c):
		case strings.IndexByte("_./+@%-=();,", c) >= 0:
		case c == ':' && i+1 < len(s) && s[i+1] != ' ':
		case c == ' ' && i+1 < len(s) && s[i+1] != ' ':
		default:
			return false
		}
	}
	if isDigit(s[0]) {
		return !isNumberLike(s)
	}
	return !isWord(s)
}

func startsBare(c byte) bool { return isLetter(c) || isDigit(c) || c == '/' || c == '_' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isWord reports whether s is a word that YAML 1.1 or 1.2 reads as a truth
// value or null, in any case of letters (https://yaml.org/type/bool.html).
func isWord(s string) bool {
	if len(s) > 5 {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf":
		return true
	}
	return false
}

// isNumberLike reports whether s, which begins with a digit, could be read as
// a number or a date. Addresses are told from numbers in base 60 and from
// fractions: 192.0.2.1 has several dots, fe80::1 has an empty part.
func isNumberLike(s string) bool {
	if len(s) > 1 && s[0] == '0' && strings.IndexByte("xXoObB", s[1]) >= 0 {
		return true
	}
	if len(s) > 4 && s[4] == '-' && strings.Trim(s[:4], "0123456789") == "" {
		return true
	}
	if strings.Trim(s, "0123456789_,.:eE+-") != "" {
		return false
	}
	colon := strings.IndexByte(s, ':') >= 0
	return !strings.Contains(s, "::") && (colon || strings.Count(s, ".") < 2)
}

// isPrintable reports whether s can stand in single quotes on one line.
func isPrintable(s string) bool {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size <= 1 {
				return false
			}
		}
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// appendEscaped writes s in double quotes, for JSON or for YAML, of which
// JSON's escapes are a part. Broken UTF-8 becomes U+FFFD. For YAML everything
// that is not printable is escaped.
func appendEscaped(dst []byte, s string, yaml bool) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r < ' ' || r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', yaml && r < 0x10000 && !unicode.IsPrint(r):
			dst = appendU(dst, r, 'u', 4)
		case yaml && !unicode.IsPrint(r):
			dst = appendU(dst, r, 'U', 8)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// appendU writes the escape of a character with that many hex digits.
func appendU(dst []byte, r rune, letter byte, digits int) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '\\', letter)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hex[r>>shift&15])
	}
	return dst
}
