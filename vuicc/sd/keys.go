package sd

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
)

// KeySet is one key set of the factory: three keys of 16 bytes (SCP02), or of 16, 24 or 32 bytes (SCP03).
//
// I is the parameter i: SCP02 15 (three keys, explicit initiation, C-MAC on the modified APDU, ICV encryption) or 55 (and a
// well-known pseudo-random challenge); SCP03 00 plus 01 (S16 mode), 10 (pseudo-random challenge), 20 (R-MAC), 60 (R-MAC and R-ENC).
type KeySet struct {
	KVN           byte // 01 to 7F, or FF
	Protocol      byte // 02 or 03
	I             byte
	ENC, MAC, DEK []byte
}

// Format prints everything but the keys, under every verb.
func (k KeySet) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "KVN %02X SCP%02X i=%02X [%d bytes]", k.KVN, k.Protocol, k.I, len(k.ENC)+len(k.MAC)+len(k.DEK))
}

// Key types (GPCS table 11-16, Amendment D clause 7.1).
const (
	typeDES byte = 0x80
	typeAES byte = 0x88
)

// Key identifiers of a key set for secure channels (GPCS table E-9, Amendment D table 6-1).
const (
	kidENC byte = 1
	kidMAC byte = 2
	kidDEK byte = 3
)

// keySet is every key of one version. It opens secure channels when keys 1, 2 and 3 are there and of the type of its protocol.
type keySet struct {
	KVN, Protocol, I byte
	Keys             []key // by identifier
}

type key struct {
	ID, Type byte
	Value    []byte
}

func (k key) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "key %02X type %02X [%d bytes]", k.ID, k.Type, len(k.Value))
}

// Parameters i a card without any key set of the protocol would begin with.
const (
	usualSCP02 byte = 0x15
	usualSCP03 byte = 0x70
)

func importKeys(sets []KeySet) ([]keySet, error) {
	out := []keySet{}
	for _, s := range sets {
		kind := typeDES
		if s.Protocol == 0x03 {
			kind = typeAES
		}
		out = append(out, keySet{s.KVN, s.Protocol, s.I, []key{{kidENC, kind, s.ENC}, {kidMAC, kind, s.MAC}, {kidDEK, kind, s.DEK}}})
	}
	return out, checkKeys(out)
}

func checkKeys(sets []keySet) error {
	seen := map[byte]bool{}
	for _, s := range sets {
		if seen[s.KVN] || s.KVN == 0 {
			return fmt.Errorf("%w: key version %02X", errConfig, s.KVN)
		}
		seen[s.KVN] = true
		if !s.knownProtocol() {
			return fmt.Errorf("%w: key set %02X for SCP%02X with i=%02X", errConfig, s.KVN, s.Protocol, s.I)
		}
		for _, k := range s.Keys {
			if !k.valid() {
				return fmt.Errorf("%w: %v of key set %02X", errConfig, k, s.KVN)
			}
		}
	}
	return nil
}

// knownProtocol: the parameters i this card speaks (GPCS table E-1, Amendment D table 5-1).
func (s keySet) knownProtocol() bool {
	switch s.Protocol {
	case 0x02:
		return s.I == 0x15 || s.I == 0x55
	case 0x03:
		return s.I&^byte(0x71) == 0 && s.I&0x60 != 0x40
	}
	return false
}

func (k key) valid() bool {
	n := len(k.Value)
	switch k.Type {
	case typeDES:
		return n == 16 || n == 24
	case typeAES:
		return n == 16 || n == 24 || n == 32
	}
	return false
}

// kcv is the key check value: three bytes of zeros under a DES key, of sixteen 01 under an AES key (GPCS B.5, Amendment D 4.1.4).
func (k key) kcv() ([]byte, error) {
	if k.Type == typeDES {
		b, err := crypt.TripleDES(k.Value)
		if err != nil {
			return nil, err
		}
		out := make([]byte, b.BlockSize())
		b.Encrypt(out, out)
		return out[:3], nil
	}
	b, err := crypt.AES(k.Value)
	if err != nil {
		return nil, err
	}
	out := bytes.Repeat([]byte{0x01}, b.BlockSize())
	b.Encrypt(out, out)
	return out[:3], nil
}

func (s keySet) s16() bool { return s.Protocol == 0x03 && s.I&0x01 != 0 }

// pseudoRandom tells whether the challenge follows from keys, counter and AID.
func (s keySet) pseudoRandom() bool {
	if s.Protocol == 0x02 {
		return s.I&0x40 != 0
	}
	return s.I&0x10 != 0
}

func (s keySet) key(id byte) (key, bool) {
	n := slices.IndexFunc(s.Keys, func(k key) bool { return k.ID == id })
	if n < 0 {
		return key{}, false
	}
	return s.Keys[n], true
}

// with gives the set with a key added or replaced, the keys in the order of their identifiers.
func (s keySet) with(k key) keySet {
	keys := slices.DeleteFunc(slices.Clone(s.Keys), func(o key) bool { return o.ID == k.ID })
	s.Keys = append(keys, k)
	slices.SortFunc(s.Keys, func(a, b key) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// opens tells whether a secure channel can be opened with the set.
func (s keySet) opens() bool {
	want := typeDES
	if s.Protocol == 0x03 {
		want = typeAES
	}
	for id := kidENC; id <= kidDEK; id++ {
		k, ok := s.key(id)
		if !ok || k.Type != want || want == typeDES && len(k.Value) != 16 {
			return false
		}
	}
	return true
}

// find gives a key set that opens channels by version; 00 is the default, the first one.
func (d *Domain) find(kvn byte) (keySet, bool) {
	for _, s := range d.keys {
		if (kvn == 0 || s.KVN == kvn) && s.opens() {
			return s, true
		}
	}
	return keySet{}, false
}

func (d *Domain) setOf(kvn byte) int {
	return slices.IndexFunc(d.keys, func(s keySet) bool { return s.KVN == kvn })
}

// Failures counts the authentications with a key set that failed since the last one that did not.
func (d *Domain) Failures(kvn byte) int {
	if v := d.mem.Get(counter(kvn, "failures")); len(v) == 1 {
		return int(v[0])
	}
	return 0
}

// sequenceSize is the length of the sequence counter: 2 bytes in SCP02, 3 in SCP03.
func (s keySet) sequenceSize() int { return int(s.Protocol) }

// sequence is the sequence counter of a key set; zero until it is used.
func (d *Domain) sequence(s keySet) []byte {
	if v := d.mem.Get(counter(s.KVN, "sequence")); len(v) == s.sequenceSize() {
		return v
	}
	return make([]byte, s.sequenceSize())
}

// next is the sequence counter plus one; 6985 when it has reached its end: no value stands twice.
func (d *Domain) next(s keySet) ([]byte, error) {
	v := d.sequence(s)
	for i := len(v) - 1; i >= 0; i-- {
		if v[i]++; v[i] != 0 {
			return v, nil
		}
	}
	return nil, apdu.SWConditions
}

// begin makes the card's side of a session: challenge and session keys.
func (d *Domain) begin(set keySet, host, aid []byte) (protocol, error) {
	if set.Protocol == 0x02 {
		return d.beginSCP02(set, host, aid)
	}
	return d.beginSCP03(set, host, aid)
}

func (d *Domain) random(n int) ([]byte, error) {
	out := make([]byte, n)
	_, err := io.ReadFull(d.rand, out)
	return out, err
}
