package usim

import (
	"strings"
	"unicode"
)

// gsmAlphabet is the default alphabet of TS 23.038 clause 6.2.1, septet by septet; 1B is the escape.
var gsmAlphabet = []rune("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" +
	" !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmnopqrstuvwxyzäöñüà")

// Alpha reads an alpha identifier: the default alphabet with b8 clear, or UCS2 in one of the three codings of TS 102 221
// annex A. FF ends it. What cannot be shown, control characters among it, is '?'.
func Alpha(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	switch b[0] {
	case 0x80:
		return ucs2(b[1:])
	case 0x81:
		if len(b) >= 3 {
			return ucs2Page(b[3:], int(b[1]), rune(b[2])<<7)
		}
	case 0x82:
		if len(b) >= 4 {
			return ucs2Page(b[4:], int(b[1]), rune(b[2])<<8|rune(b[3]))
		}
	}
	var out strings.Builder
	for _, v := range b {
		if v == 0xFF {
			break
		}
		out.WriteRune(septet(v))
	}
	return out.String()
}

func septet(v byte) rune {
	if v > 0x7F {
		return '?'
	}
	return shown(gsmAlphabet[v])
}

func shown(r rune) rune {
	if !unicode.IsPrint(r) {
		return '?'
	}
	return r
}

// ucs2 reads two bytes a character, big endian; FFFF or a lone last byte ends it.
func ucs2(b []byte) string {
	var out strings.Builder
	for i := 0; i+1 < len(b) && (b[i] != 0xFF || b[i+1] != 0xFF); i += 2 {
		out.WriteRune(shown(rune(b[i])<<8 | rune(b[i+1])))
	}
	return out.String()
}

// ucs2Page reads n characters: the default alphabet with b8 clear, else base plus the seven low bits.
func ucs2Page(b []byte, n int, base rune) string {
	var out strings.Builder
	for _, v := range b[:min(n, len(b))] {
		if v < 0x80 {
			out.WriteRune(septet(v))
		} else {
			out.WriteRune(shown(base + rune(v&0x7F)))
		}
	}
	return out.String()
}
