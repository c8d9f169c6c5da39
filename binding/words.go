package binding

import "fmt"

// word is a value of an enumeration: its code for scripts, stable snake_case, and its words for people.
type word struct{ code, text string }

// wordOf looks a value up; one that has no row is shown with its byte, for a newer card may know more.
func wordOf(table []word, value byte) word {
	if int(value) < len(table) {
		return table[value]
	}
	return word{"unknown", fmt.Sprintf("unknown (%02X)", value)}
}

// bitWord is a bit of a set and its word.
type bitWord struct {
	bit byte
	word
}

// bitTexts and bitCodes list the bits that are set; a bit without a row is shown by its number, b1 to b8.
func bitTexts(table []bitWord, set byte) []string {
	return bitList(table, set, func(w word) string { return w.text })
}

func bitCodes(table []bitWord, set byte) []string {
	return bitList(table, set, func(w word) string { return w.code })
}

func bitList(table []bitWord, set byte, part func(word) string) []string {
	out := []string{}
	for n := range 8 {
		bit := byte(1) << n
		if set&bit == 0 {
			continue
		}
		w := word{fmt.Sprintf("b%d", n+1), fmt.Sprintf("b%d", n+1)}
		for _, row := range table {
			if row.bit == bit {
				w = row.word
			}
		}
		out = append(out, part(w))
	}
	return out
}
