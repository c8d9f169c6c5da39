package gp_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/tlv"
)

type discovery struct {
	Data []struct {
		ID, Expect string
		Hex        vectors.Hex
		Version    string `json:"gp_version"`
		Protocols  []struct {
			SCP   vectors.Hex
			Value uint16 `json:"i_value"`
		}
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
}

func discoveries(t *testing.T) discovery {
	t.Helper()
	var v discovery
	vectors.Load(t, "gp_parsing.json", &v)
	if len(v.Data) == 0 || len(v.Capabilities) == 0 || len(v.Objects) == 0 {
		t.Fatal("a group of gp_parsing.json is empty")
	}
	return v
}

// TestCardData: what published cards say of themselves. G4 has foreign object identifiers and tells nothing.
func TestCardData(t *testing.T) {
	for _, row := range discoveries(t).Data {
		got, err := gp.ParseCardData(row.Hex)
		if err != nil {
			t.Errorf("%s: %v", row.ID, err)
			continue
		}
		if got.Version != row.Version || len(got.Protocols) != len(row.Protocols) {
			t.Errorf("%s: %+v", row.ID, got)
			continue
		}
		for i, p := range row.Protocols {
			if o := got.Protocols[i]; byte(o.Protocol) != p.SCP[0] || o.I[0] != p.Value {
				t.Errorf("%s: offer %d is %+v", row.ID, i, o)
			}
		}
	}
}

func TestCapabilities(t *testing.T) {
	for _, row := range discoveries(t).Capabilities {
		got, err := gp.ParseCapabilities(row.Hex)
		if err != nil {
			t.Errorf("%s: %v", row.ID, err)
			continue
		}
		want := gp.Capabilities{DomainPrivileges: row.Domain, ApplicationPrivileges: row.Application, Hashes: row.Hashes}
		for _, p := range row.Protocols {
			o := gp.ProtocolOffer{Protocol: gp.Protocol(p.SCP[0]), KeyBits: p.KeyBits}
			for _, i := range p.I {
				o.I = append(o.I, uint16(i[0]))
			}
			want.Protocols = append(want.Protocols, o)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", row.ID, diff)
		}
	}
	offers := []gp.ProtocolOffer{{Protocol: gp.SCP02}}
	if gp.Speaks(offers, gp.SCP03) || !gp.Speaks(offers, gp.SCP02) || !gp.Speaks(nil, gp.SCP03) {
		t.Error("Speaks")
	}
}

// TestSmallObjects: GET DATA of small objects as a published card answers them, the command byte for byte.
func TestSmallObjects(t *testing.T) {
	for _, row := range discoveries(t).Objects {
		tag := tlv.Tag(row.Command[2])<<8 | tlv.Tag(row.Command[3])
		c, err := gp.GetData(tag).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		same(t, row.ID, c, row.Command)
		r, err := apdu.ParseResponse(row.Response)
		if err != nil {
			t.Fatal(err)
		}
		v, err := gp.ParseSmall(tag, r.Data)
		switch {
		case r.SW == apdu.SWReferenceNotFound:
			if err == nil {
				t.Errorf("%s: %X out of nothing", row.ID, v)
			}
		case err != nil || len(v) != int(r.Data[1]):
			t.Errorf("%s: %X, %v", row.ID, v, err)
		}
	}
}

// TestCardDataRefusals: what is cut or is something else is an error, never a panic.
func TestCardDataRefusals(t *testing.T) {
	for _, b := range [][]byte{nil, {0x66}, {0x66, 0x02, 0x73}, {0x66, 0x00}, {0x66, 0x02, 0x74, 0x00}, {0x67, 0x02, 0xA0, 0x00}} {
		if _, err := gp.ParseCardData(b); err == nil {
			t.Errorf("card data %X", b)
		}
	}
	for _, b := range [][]byte{nil, {0x67, 0x02, 0xA0, 0x05}, {0x67, 0x02, 0xA0, 0x00}, {0x67, 0x05, 0xA0, 0x03, 0x80, 0x01}} {
		if _, err := gp.ParseCapabilities(b); err == nil {
			t.Errorf("capabilities %X", b)
		}
	}
}
