package usim

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fuzzFiles feeds bytes to the codecs of some files: no panic, and what was decoded and can be encoded decodes to the
// same again.
func fuzzFiles(f *testing.F, names ...string) {
	for _, name := range names {
		for _, v := range rows[name] {
			f.Add(unhex(f, v.hex))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range names {
			checkCodec(t, named(t, name), b)
		}
	})
}

func checkCodec(t *testing.T, f File, b []byte) {
	before := bytes.Clone(b)
	value, err := f.Decode(b)
	if !bytes.Equal(before, b) {
		t.Fatalf("%s: decoding changed its input", f.Name)
	}
	if err != nil || f.Encode == nil {
		return
	}
	back, err := f.Encode(value)
	if err != nil {
		return // a value this tool would not write, such as an IMSI of two digits
	}
	again, err := f.Decode(back)
	if err != nil {
		t.Fatalf("%s: %X decodes, its coding %X does not: %v", f.Name, b, back, err)
	}
	if diff := cmp.Diff(value, again); diff != "" {
		t.Errorf("%s: %X\n%s", f.Name, b, diff)
	}
}

func FuzzLOCI(f *testing.F) {
	fuzzFiles(f, "EF_LOCI", "EF_PSLOCI", "EF_EPSLOCI", "EF_5GS3GPPLOCI", "EF_LOCI of DF_GSM", "EF_LOCIGPRS of DF_GSM")
}

func FuzzPairing(f *testing.F) { fuzzFiles(f, "EF_IAL", "EF_IPS", "EF_IPD") }

// FuzzFiles takes every row, so that a new one is fuzzed from its first day.
func FuzzFiles(f *testing.F) {
	var names []string
	for _, row := range Files {
		names = append(names, row.Name)
	}
	fuzzFiles(f, names...)
}
