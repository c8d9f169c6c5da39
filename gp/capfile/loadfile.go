package capfile

import (
	"crypto"
	_ "crypto/sha1" // the functions a load file is hashed with
	_ "crypto/sha256"
	_ "crypto/sha512"
	"fmt"
)

// LoadFile is what LOAD carries under tag C4: the components in load order. Programs differ in whether Descriptor is among them; cards run
// without it, and those that verify bytecode want it. Of a load file without Descriptor both are the same.
func (f *File) LoadFile(withDescriptor bool) []byte {
	var out []byte
	for _, c := range f.Components {
		if c.Tag != TagDescriptor || withDescriptor {
			out = append(out, c.Bytes...)
		}
	}
	return out
}

// Hash is a load file data block hash (GPCS clause 11.5.2.3.1), and of what.
type Hash struct {
	Function   crypto.Hash
	Descriptor bool // it is in the load file
	Sum        []byte
}

// Hash makes the hash of LoadFile(withDescriptor) with SHA-1, SHA-256, SHA-384 or SHA-512.
func (f *File) Hash(withDescriptor bool, function crypto.Hash) (Hash, error) {
	switch function {
	case crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
		return Hash{}, fmt.Errorf("%w: a load file is not hashed with %s", ErrCAP, function)
	}
	h := function.New()
	h.Write(f.LoadFile(withDescriptor))
	return Hash{Function: function, Descriptor: withDescriptor && f.Component(TagDescriptor) != nil, Sum: h.Sum(nil)}, nil
}

// String names which hash it is: `SHA-256 without Descriptor: 2ADB0C…`.
func (h Hash) String() string {
	word := "without"
	if h.Descriptor {
		word = "with"
	}
	return fmt.Sprintf("%s %s Descriptor: %X", h.Function, word, h.Sum)
}
