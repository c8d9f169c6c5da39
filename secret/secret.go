// Package secret holds key material that never prints itself: not through fmt,
// not in JSON or YAML, not in a structured log.
package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Bytes is a key, PIN or code. Its zero value is empty. Copies share the same
// memory, so that one Wipe clears them all.
//
// The bytes stand behind two pointers: in an unexported field of a struct fmt calls no method, and under a verb that does
// not fit (%s, %q, %d…) it follows one pointer to the bytes themselves. Behind two it prints an address.
type Bytes struct {
	b **[]byte
}

// New takes a copy of b.
func New(b []byte) Bytes {
	own := append([]byte(nil), b...)
	inner := &own
	return Bytes{b: &inner}
}

// Reveal gives the bytes themselves, for the one place that needs them. The
// caller neither changes nor keeps them.
func (s Bytes) Reveal() []byte {
	if s.b == nil {
		return nil
	}
	return **s.b
}

// Len is the number of bytes.
func (s Bytes) Len() int { return len(s.Reveal()) }

// IsZero tells whether there is nothing in it.
func (s Bytes) IsZero() bool { return s.Len() == 0 }

// Equal compares in constant time.
func (s Bytes) Equal(o Bytes) bool {
	return subtle.ConstantTimeCompare(s.Reveal(), o.Reveal()) == 1
}

// Wipe overwrites the bytes with zeros and empties every copy of s.
func (s Bytes) Wipe() {
	if s.b == nil {
		return
	}
	clear(**s.b)
	**s.b = nil
}

// String is "[16 bytes]".
func (s Bytes) String() string { return fmt.Sprintf("[%d bytes]", s.Len()) }

// Format prints the same under every verb.
func (s Bytes) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue keeps the bytes out of structured logs.
func (s Bytes) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the bytes out of JSON, YAML and every other text form.
func (s Bytes) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
