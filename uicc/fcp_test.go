package uicc

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/tlv"
)

type fcpVector struct {
	ID, Hex string
	Decoded struct {
		FileDescriptor vectors.Hex `json:"file_descriptor"`
		Shareable      bool
		FileType       string `json:"file_type"`
		Structure      string
		FileID         string      `json:"file_id"`
		AID            vectors.Hex `json:"aid"`
		Size           int
		RecordLength   int    `json:"record_length"`
		RecordCount    int    `json:"record_count"`
		SFI            int    `json:"sfi"`
		LifeCycle      string `json:"life_cycle"`
		Security       struct {
			Kind      string
			ARRFile   string `json:"arr_file"`
			ARRRecord byte   `json:"arr_record"`
			Value     vectors.Hex
		}
		PINStatus struct {
			PSDO vectors.Hex   `json:"ps_do"`
			Refs []vectors.Hex `json:"key_references"`
		} `json:"pin_status"`
		Proprietary struct {
			Characteristics vectors.Hex  `json:"uicc_characteristics"`
			Memory          *int         `json:"available_memory"`
			Reserved        *int         `json:"reserved_size"`
			Maximum         *int         `json:"maximum_size"`
			Commands        *vectors.Hex `json:"supported_commands"`
			LinkPath        vectors.Hex  `json:"link_path"`
			Unknown         []struct {
				Tag   vectors.Hex
				Value vectors.Hex
			}
		}
		// classic SIM
		Characteristics  vectors.Hex
		ChildDF          int         `json:"child_df"`
		ChildEF          int         `json:"child_ef"`
		CHVCodes         int         `json:"chv_codes"`
		AccessConditions vectors.Hex `json:"access_conditions"`
	}
	LifeCycle string `json:"life_cycle"`
}

type fcpVectors struct {
	UICC           []fcpVector
	NotFCP         []fcpVector `json:"not_fcp"`
	FileDescriptor []fcpVector `json:"file_descriptor"`
	LifeCycle      []fcpVector `json:"life_cycle"`
	SIM            []fcpVector `json:"sim_select_response"`
	ATR            []struct {
		ID             string
		ATR            vectors.Hex
		InterfaceBytes struct{ TA1, TA3 string } `json:"interface_bytes"`
		Protocols      []string
		Historical     vectors.Hex `json:"historical_bytes"`
		TCKValid       bool        `json:"tck_valid"`
	}
}

func loadFCP(t testing.TB) fcpVectors {
	t.Helper()
	var v fcpVectors
	vectors.Load(t, "fcp.json", &v)
	if len(v.UICC) == 0 || len(v.NotFCP) == 0 || len(v.FileDescriptor) == 0 || len(v.LifeCycle) == 0 || len(v.SIM) == 0 || len(v.ATR) == 0 {
		t.Fatal("a group of fcp.json is empty")
	}
	return v
}

// words of the vectors for what this package names
var vectorStructures = map[string]Structure{
	"transparent": Transparent, "linear_fixed": LinearFixed, "cyclic": Cyclic, "ber_tlv": BERTLV,
}

var vectorLifeCycles = map[string]string{
	"operational_activated": "activated", "operational_deactivated": "deactivated", "creation": "creation", "termination": "terminated",
}

// told builds the FCP a vector describes.
func told(t *testing.T, v fcpVector) FCP {
	d := v.Decoded
	f := FCP{
		Raw: unhex(t, v.Hex), Structure: vectorStructures[d.Structure], Shareable: d.Shareable, Size: d.Size,
		RecordSize: d.RecordLength, Records: d.RecordCount, SFI: SFI(d.SFI), AID: d.AID,
		Details: Details{-1, -1, -1, -1, -1},
	}
	if d.FileType == "df" {
		f.Structure = Directory
	}
	if d.FileID != "" {
		_, _ = fmt.Sscanf(d.FileID, "%X", &f.FID)
	}
	if d.Security.Kind == "referenced" {
		ref := ARRReference{Record: d.Security.ARRRecord}
		_, _ = fmt.Sscanf(d.Security.ARRFile, "%X", &ref.FID)
		f.Rules = []ARRReference{ref}
	}
	if d.Security.Kind == "compact" {
		f.Compact = d.Security.Value
	}
	if d.Security.Kind == "expanded" {
		f.Expanded = d.Security.Value
	}
	for i, ref := range d.PINStatus.Refs {
		on := d.PINStatus.PSDO[0]&(0x80>>i) != 0
		f.PINs = append(f.PINs, PINStatus{Ref: KeyRef(ref[0]), Enabled: on, Usage: -1})
	}
	p := d.Proprietary
	for _, d := range []struct {
		into *int
		told *int
	}{{&f.Details.FreeMemory, p.Memory}, {&f.Details.Reserved, p.Reserved}, {&f.Details.Maximum, p.Maximum}} {
		if d.told != nil {
			*d.into = *d.told
		}
	}
	if p.Characteristics != nil {
		f.Details.Characteristics = int(p.Characteristics[0])
	}
	if p.Commands != nil {
		f.Details.Commands = int((*p.Commands)[0])
	}
	for i := 0; i+1 < len(p.LinkPath); i += 2 {
		f.Link = append(f.Link, FID(p.LinkPath[i])<<8|FID(p.LinkPath[i+1]))
	}
	return f
}

func TestParseFCP(t *testing.T) {
	for _, v := range loadFCP(t).UICC {
		t.Run(v.ID, func(t *testing.T) {
			got, err := ParseFCP(unhex(t, v.Hex))
			if err != nil {
				t.Fatal(err)
			}
			if got.LifeCycle.String() != vectorLifeCycles[v.Decoded.LifeCycle] {
				t.Errorf("life cycle %s, want %s", got.LifeCycle, v.Decoded.LifeCycle)
			}
			for _, u := range v.Decoded.Proprietary.Unknown {
				if value, ok := got.Proprietary.Find(tlv.Tag(u.Tag[0])); !ok || string(value) != string(u.Value) {
					t.Errorf("proprietary tag %X: %X, want %X", u.Tag, value, u.Value)
				}
			}
			got.LifeCycle, got.Proprietary = 0, nil
			if diff := cmp.Diff(told(t, v), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNotFCP(t *testing.T) {
	for _, v := range loadFCP(t).NotFCP {
		if _, err := ParseFCP(unhex(t, v.Hex)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", v.ID, err)
		}
	}
}

// TestFCPParts puts single objects of the vectors into a template.
func TestFCPParts(t *testing.T) {
	all := loadFCP(t)
	for _, v := range append(all.FileDescriptor, all.LifeCycle...) {
		t.Run(v.ID, func(t *testing.T) {
			got, err := ParseFCP(tlv.Encode(0x62, unhex(t, v.Hex)))
			if err != nil {
				t.Fatal(err)
			}
			if v.LifeCycle != "" {
				if got.LifeCycle.String() != vectorLifeCycles[v.LifeCycle] {
					t.Errorf("%s, want %s", got.LifeCycle, v.LifeCycle)
				}
				return
			}
			want := told(t, v)
			if got.Structure != want.Structure || got.Shareable != want.Shareable || got.RecordSize != want.RecordSize || got.Records != want.Records {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestFCPOddities: forms that real cards have, or might have.
func TestFCPOddities(t *testing.T) {
	for name, row := range map[string]struct {
		hex  string
		want func(FCP) bool
	}{
		"SFI from the FID when tag 88 is absent": {"62088202412183026F07", func(f FCP) bool { return f.SFI == 7 }},
		"no SFI from a FID that ends in 1F":      {"62088202412183026F1F", func(f FCP) bool { return f.SFI == 0 }},
		"no SFI when tag 88 is empty":            {"620A8202412183026F078800", func(f FCP) bool { return f.SFI == 0 }},
		"a directory has no SFI":                 {"62088202782183026F07", func(f FCP) bool { return f.SFI == 0 }},
		"deactivated with b2 set":                {"62038A0106", func(f FCP) bool { return f.LifeCycle.String() == "deactivated" }},
		"activated with b2 set":                  {"62038A0107", func(f FCP) bool { return f.LifeCycle.Activated() }},
		"rules by security environment": {"62088B066F0601030004", func(f FCP) bool {
			return cmp.Equal(f.Rules, []ARRReference{{0x6F06, 3, 1}, {0x6F06, 4, 0}})
		}},
		"usage qualifier of the universal PIN": {"620EC60C900180830101950108830111", func(f FCP) bool {
			return cmp.Equal(f.PINs, []PINStatus{{PIN1, true, -1}, {UniversalPIN, false, 8}}) && f.PINEnabled(PIN1) && !f.PINEnabled(UniversalPIN)
		}},
		"length not in its shortest form": {"6281088202412183026F07", func(f FCP) bool { return f.FID == 0x6F07 }},
		"unknown tags are kept":           {"62058702AABB8A", nil},
		"an unknown tag is kept":          {"62048702AABB", func(f FCP) bool { return len(f.Unknown) == 1 && f.Unknown[0].Tag == 0x87 }},
		"A5 of a maker's own coding":      {"6203A501FF", func(f FCP) bool { return len(f.Proprietary) == 0 }},
		"descriptor of one byte":          {"6203820141", nil},
		"FID of one byte":                 {"6203830141", nil},
		"size of five bytes":              {"620780050000000001", nil},
		"size of two gigabytes":           {"62068004FFFFFFFF", nil},
		"SFI of two bytes":                {"620488020838", nil},
		"rule without record":             {"62048B026F06", nil},
		"two templates":                   {"62006200", nil},
		"nothing":                         {"", nil},
		"cut":                             {"621782024121", nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := ParseFCP(unhex(t, row.hex))
			switch {
			case row.want == nil && !errors.Is(err, ErrMalformed):
				t.Errorf("accepted: %+v, %v", f, err)
			case row.want != nil && (err != nil || !row.want(f)):
				t.Errorf("%+v, %v", f, err)
			}
		})
	}
}

func TestParseSIMAnswer(t *testing.T) {
	for _, v := range loadFCP(t).SIM {
		t.Run(v.ID, func(t *testing.T) {
			got, err := ParseSIMAnswer(unhex(t, v.Hex))
			if err != nil {
				t.Fatal(err)
			}
			d := v.Decoded
			want := SIMAnswer{
				Structure: vectorStructures[d.Structure], MF: d.FileType == "mf", Size: d.Size,
				RecordSize: d.RecordLength, Records: d.RecordCount, DFs: d.ChildDF, EFs: d.ChildEF, CHVs: d.CHVCodes,
			}
			_, _ = fmt.Sscanf(d.FileID, "%X", &want.FID)
			copy(want.Access[:], d.AccessConditions)
			if d.FileType != "ef" {
				want.Structure, want.Characteristics, want.CHVTries = Directory, d.Characteristics[0], []int{3, 10, 3, 10}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	invalidated := unhex(t, "000000096F0704001A00FF440002"+"0000")
	if got, err := ParseSIMAnswer(invalidated); err != nil || !got.Invalidated {
		t.Errorf("status 44 is invalidated: %+v, %v", got, err)
	}
	for _, bad := range []string{"", "0000000A2FE20400", "0000000A2FE209000CFFFF01020000", "000000003F00010000000000"} {
		if _, err := ParseSIMAnswer(unhex(t, bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s accepted: %v", bad, err)
		}
	}
}
