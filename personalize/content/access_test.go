package content_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/vuicc/image"
)

// rule writes a record of the EF_ARR of ADF.USIM in place of that of EF_IMSI, which then stands in record 10.
func rule(t *testing.T, record []byte) func(*image.Image) {
	return func(i *image.Image) {
		f := i.File("ADF1/6F06")
		at := 9 * f.RecordSize
		if len(record) > f.RecordSize {
			t.Fatalf("a record of %d bytes, the file has %d", len(record), f.RecordSize)
		}
		copy(f.Content[at:], append(bytes.Clone(record), bytes.Repeat([]byte{0xFF}, f.RecordSize-len(record))...))
	}
}

// pin is a condition A4 {83 reference, 95 08}.
func pin(ref byte) []byte { return []byte{0xA4, 0x06, 0x83, 0x01, ref, 0x95, 0x01, 0x08} }

func template(tag byte, parts ...[]byte) []byte {
	v := bytes.Join(parts, nil)
	return append([]byte{tag, byte(len(v))}, v...)
}

// reading and updating say who may do what.
func reading(condition []byte) []byte  { return append([]byte{0x80, 0x01, 0x01}, condition...) }
func updating(condition []byte) []byte { return append([]byte{0x80, 0x01, 0x02}, condition...) }

var always = []byte{0x90, 0x00}

// TestAccess: the least rights that do, from rules of EF_ARR as cards have them. The other files of ADF.USIM ask for PIN1.
func TestAccess(t *testing.T) {
	for _, row := range []struct {
		name   string
		record []byte
		want   []byte
		remark bool
	}{
		{"PIN1 and ADM1", append(reading(pin(0x01)), updating(pin(0x0A))...), []byte{0x02, 0x01, 0x01, 0x00}, false},
		{"ADM2", append(reading(pin(0x01)), updating(pin(0x0B))...), []byte{0x02, 0x01, 0x02, 0x00}, false},
		{"ADM6", append(reading(pin(0x01)), updating(pin(0x8A))...), []byte{0x02, 0x01, 0x20, 0x00}, false},
		{"ADM9 and ADM10", append(reading(pin(0x8D)), updating(pin(0x8E))...), []byte{0x02, 0x01, 0x00, 0x03}, false},
		{"always", append(reading(always), updating(pin(0x0A))...), []byte{0x02, 0x01, 0x01, 0x04}, false},
		{"ADM1 or ADM2: one is enough", append(reading(pin(0x01)), updating(template(0xA0, pin(0x0A), pin(0x0B)))...), []byte{0x02, 0x01, 0x01, 0x00}, false},
		{"ADM2 or PIN1: what is there already", append(reading(pin(0x01)), updating(template(0xA0, pin(0x0B), pin(0x01)))...), []byte{0x02, 0x01, 0x00, 0x00}, false},
		{"PIN1 and ADM2 both", append(reading(pin(0x01)), updating(template(0xAF, pin(0x01), pin(0x0B)))...), []byte{0x02, 0x01, 0x02, 0x00}, false},
		{"secure messaging", append(reading(pin(0x01)), updating([]byte{0xB4, 0x00})...), []byte{0x00}, true},
		{"second PIN", append(reading(pin(0x81)), updating(pin(0x0A))...), []byte{0x00}, true},
		{"empty record", nil, []byte{0x00}, true},
	} {
		r := newRig(t, "no-applet-t1", rule(t, row.record))
		r.do(func(run *personalize.Run) error {
			got, err := content.ReadAccess(ctx, run)
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			if len(got.Domains) != 2 || !bytes.Equal(got.Domains[0].Domain, gp.NoAccess) || !bytes.Equal(got.Domains[1].Domain, row.want) {
				t.Errorf("%s: %+v, want %X", row.name, got.Domains, row.want)
			}
			return nil
		})
		if remarked := strings.Contains(strings.Join(r.notes, "\n"), "EF_IMSI: its access rule is not understood"); remarked != row.remark {
			t.Errorf("%s: remarks %q", row.name, r.notes)
		}
	}
}

// TestNoAccess: an EF_IMSI nobody may write cannot be switched by any applet, and a card without EF_IMSI neither.
func TestNoAccess(t *testing.T) {
	for name, change := range map[string]func(*image.Image){
		"never":   rule(t, append(reading(pin(0x01)), updating([]byte{0x97, 0x00})...)),
		"no rule": rule(t, reading(pin(0x01))), // an operation without a rule is never allowed
		"no file": func(i *image.Image) {
			for n := range i.Files {
				if i.Files[n].Path == "ADF1/6F07" {
					i.Files = append(i.Files[:n], i.Files[n+1:]...)
					return
				}
			}
		},
	} {
		r := newRig(t, "no-applet-t1", change)
		r.do(func(run *personalize.Run) error {
			_, err := content.ReadAccess(ctx, run)
			if !errors.As(err, new(*personalize.UnfitError)) {
				t.Errorf("%s: %v", name, err)
			}
			return nil
		})
	}
}

// TestSeparateCopy: the MF tree gets rights of its own.
func TestSeparateCopy(t *testing.T) {
	r := newRig(t, "usim-separate")
	r.do(func(run *personalize.Run) error {
		got, err := content.ReadAccess(ctx, run)
		if err != nil || len(got.Domains) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, d := range got.Domains {
			if !bytes.Equal(d.Domain, []byte{0x02, 0x01, 0x01, 0x00}) {
				t.Errorf("%X: %X", d.ADF, d.Domain)
			}
		}
		return nil
	})
}
