package gp_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/tlv"
)

type cardRows struct {
	Data []struct {
		ID, Expect string
		Hex        vectors.Hex
		Version    string `json:"gp_version"`
		Protocols  []struct {
			SCP vectors.Hex
			I   int `json:"i_value"`
		}
		Configuration string `json:"configuration_oid"`
		Chip          string `json:"chip_oid"`
	} `json:"card_data"`
	Capabilities []struct {
		ID        string
		Hex       vectors.Hex
		Protocols []struct {
			SCP     vectors.Hex
			I       []vectors.Hex
			KeyBits []int `json:"key_bits"`
		}
		Domain      vectors.Hex `json:"ssd_privileges"`
		Application vectors.Hex `json:"application_privileges"`
		Hashes      vectors.Hex `json:"hash_algorithms"`
	} `json:"card_capabilities"`
	Objects []struct {
		ID                string
		Command, Response vectors.Hex
	} `json:"get_data"`
	Entries []struct {
		ID  string
		Hex vectors.Hex
		Key struct {
			ID, KVN    vectors.Hex
			Components []component
		}
	} `json:"key_information_entries"`
}

func cards(t testing.TB) cardRows {
	t.Helper()
	var r cardRows
	vectors.Load(t, "gp_parsing.json", &r)
	return r
}

func TestCardData(t *testing.T) {
	for _, row := range cards(t).Data {
		got, err := gp.ParseCardData(row.Hex)
		if err != nil {
			t.Errorf("%s: %v", row.ID, err)
		}
		if got.Version != row.Version || got.Configuration != row.Configuration || got.Chip != row.Chip || len(got.Protocols) != len(row.Protocols) {
			t.Errorf("%s: %+v", row.ID, got)
			continue
		}
		for i, p := range row.Protocols {
			if got.Protocols[i] != (gp.ProtocolOption{Protocol: gp.Protocol(p.SCP[0]), I: p.I}) {
				t.Errorf("%s: %+v, want %+v", row.ID, got.Protocols[i], p)
			}
		}
		vectors.Use(t, row.ID)
	}
}

func TestCapabilities(t *testing.T) {
	for _, row := range cards(t).Capabilities {
		got, err := gp.ParseCapabilities(row.Hex)
		if err != nil || len(got.Protocols) != len(row.Protocols) {
			t.Errorf("%s: %+v, %v", row.ID, got, err)
			continue
		}
		same(t, row.ID, got.DomainPrivileges, row.Domain)
		same(t, row.ID, got.ApplicationPrivileges, row.Application)
		same(t, row.ID, got.Hashes, row.Hashes)
		for i, p := range row.Protocols {
			var options []byte
			for _, o := range p.I {
				options = append(options, o...)
			}
			if g := got.Protocols[i]; g.Protocol != gp.Protocol(p.SCP[0]) || !bytes.Equal(g.I, options) || !slices.Equal(g.KeyBits, p.KeyBits) {
				t.Errorf("%s: %+v, want %+v", row.ID, g, p)
			}
		}
		vectors.Use(t, row.ID)
	}
}

// TestObjects: the command of GET DATA, the object its answer holds, and 6A88 for one the card does not have.
func TestObjects(t *testing.T) {
	tags := map[string]tlv.Tag{"G3-iin": gp.ObjectIIN, "G3-cin": gp.ObjectCIN, "G3-cplc": gp.ObjectCPLC, "G3-capabilities": gp.ObjectCapabilities}
	for _, row := range cards(t).Objects {
		command, err := gp.GetData(tags[row.ID]).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		same(t, row.ID, command, row.Command)
		r, err := apdu.ParseResponse(row.Response)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := tlv.Parse(r.Data)
		_, there := objects.Find(tags[row.ID])
		small, smallErr := gp.ParseSmall(tags[row.ID], r.Data)
		if there != (smallErr == nil) || there && len(small) != int(r.Data[1]) {
			t.Errorf("%s: %X, %v", row.ID, small, smallErr)
		}
		if err != nil || there != r.SW.OK() || !there && !errors.Is(r.Err(), apdu.SWReferenceNotFound) {
			t.Errorf("%s: %v, %v", row.ID, r, err)
		}
		vectors.Use(t, row.ID)
	}
}

func TestKeyInformationEntries(t *testing.T) {
	for _, row := range cards(t).Entries {
		got, err := gp.ParseKeyInformation(tlv.Encode(0xE0, row.Hex))
		if err != nil || len(got) != 1 {
			t.Errorf("%s: %+v, %v", row.ID, got, err)
			continue
		}
		want := row.Key.Components[0]
		if k := got[0]; k.ID != row.Key.ID[0] || k.KVN != row.Key.KVN[0] || len(k.Components) != 1 || k.Components[0].Type != want.Type[0] || k.Components[0].Length != want.Length {
			t.Errorf("%s: %+v", row.ID, k)
		}
		vectors.Use(t, row.ID)
	}
}

// TestMalformedCardObjects: every prefix of a real answer is read or refused, and what cannot be read hides nothing else.
func TestMalformedCardObjects(t *testing.T) {
	for _, row := range cards(t).Data {
		for n := range len(row.Hex) {
			if d, err := gp.ParseCardData(row.Hex[:n]); err == nil {
				t.Errorf("%s cut to %d bytes: %+v", row.ID, n, d)
			}
		}
	}
	for name, b := range map[string][]byte{
		"no 66":  {0x67, 0x00},
		"no 73":  {0x66, 0x02, 0x06, 0x00},
		"in 73":  {0x66, 0x03, 0x73, 0x01, 0x06},
		"itself": {0x66, 0x06, 0x66, 0x04, 0x66, 0x02, 0x66, 0x00},
	} {
		if _, err := gp.ParseCardData(b); !errors.Is(err, gp.ErrObject) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d, err := gp.ParseCardData([]byte("\x66\x1D\x73\x1B\x60\x01\x06\x64\x00\x64\x02\x06\x00\x65\x03\x06\x01\x80\x64\x0B\x06\x09\x2A\x86\x48\x86\xFC\x6B\x04\x02\x15"))
	if err != nil || len(d.Protocols) != 1 || d.Protocols[0] != (gp.ProtocolOption{Protocol: gp.SCP02, I: 0x15}) || d.Configuration != "" {
		t.Errorf("%+v, %v", d, err)
	}
	for name, b := range map[string][]byte{
		"no number":   {0x67, 0x02, 0xA0, 0x00},
		"long number": {0x67, 0x06, 0xA0, 0x04, 0x80, 0x02, 0x02, 0x03},
		"cut":         {0x67, 0x04, 0xA0, 0x02, 0x80, 0x01},
		"not there":   {0x66, 0x00},
	} {
		if c, err := gp.ParseCapabilities(b); !errors.Is(err, gp.ErrObject) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func FuzzCardData(f *testing.F) {
	r := cards(f)
	for _, row := range r.Data {
		f.Add([]byte(row.Hex))
	}
	for _, row := range r.Capabilities {
		f.Add([]byte(row.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := gp.ParseCardData(b)
		if err != nil && !errors.Is(err, gp.ErrObject) || len(d.Protocols) > len(b) {
			t.Errorf("%+v, %v", d, err)
		}
		c, err := gp.ParseCapabilities(b)
		if err != nil && !errors.Is(err, gp.ErrObject) || len(c.Protocols) > len(b) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}
