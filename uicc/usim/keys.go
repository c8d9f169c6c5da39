package usim

import "github.com/simbind/simbind/tlv"

// noKey is the key set identifier, or cipher key sequence number, of no key (TS 24.008 clause 10.5.1.2).
const noKey = 0x07

// Keys is a file of session keys without the keys themselves: which set it is, and whether any is held.
type Keys struct {
	Set  byte // key set identifier, 0 to 6; 7: none
	Held bool
}

// codecKeys is EF_Keys and EF_KeysPS: KSI, CK of 16, IK of 16 (clauses 4.2.3, 4.2.4).
var codecKeys = Codec{
	Decode: func(b []byte) (any, error) {
		if err := length("a file of keys", b, 33); err != nil {
			return nil, err
		}
		return keys(b[0]), nil
	},
	Pristine: func([3]byte, int) []byte { return append([]byte{noKey}, allFF([3]byte{}, 32)...) },
}

// codecKc is EF_Kc and EF_KcGPRS: key of 8, sequence number (TS 51.011 clauses 10.3.3, 10.3.32).
var codecKc = Codec{
	Decode: func(b []byte) (any, error) {
		if err := length("a file of keys", b, 9); err != nil {
			return nil, err
		}
		return keys(b[8]), nil
	},
	Pristine: func([3]byte, int) []byte { return append(allFF([3]byte{}, 8), noKey) },
}

func keys(set byte) Keys {
	set &= 0x07
	return Keys{Set: set, Held: set != noKey}
}

// NSC is a NAS security context record without its keys: whether it holds one (clauses 4.2.92, 4.4.11.4).
type NSC struct{ Held bool }

var codecNSC = Codec{
	Decode:   func(b []byte) (any, error) { return NSC{Held: !allBytes(b, 0xFF) && !withoutKey(b)}, nil },
	Pristine: allFF,
}

// withoutKey: a context A0 {80 key set identifier, …} whose identifier says that there is no key is none (clause 4.2.92), whatever is left beside it.
func withoutKey(b []byte) bool {
	objects, err := tlv.ParseLenient(b)
	if err != nil {
		return false
	}
	context, _ := objects.Find(0xA0)
	inner, err := tlv.ParseLenient(context)
	if err != nil {
		return false
	}
	set, _ := inner.Find(0x80)
	return len(set) == 1 && set[0]&0x07 == noKey
}

// allFF is size bytes of FF.
func allFF(_ [3]byte, size int) []byte {
	out := make([]byte, size)
	for i := range out {
		out[i] = 0xFF
	}
	return out
}
