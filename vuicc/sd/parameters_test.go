package sd

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/tlv"
)

type toolkitRow struct {
	Priority byte
	Timers   int               `json:"max_timers"`
	MenuText int               `json:"max_menu_text"`
	Menu     []([]vectors.Hex) `json:"menu_entries"`
	Channels int               `json:"max_channels"`
	MSL      vectors.Hex       `json:"minimum_security_level"`
	TARs     []vectors.Hex
	Services int `json:"max_services"`
}

func (r toolkitRow) parameters() *ToolkitParameters {
	t := &ToolkitParameters{Priority: r.Priority, Timers: r.Timers, MenuText: r.MenuText, Channels: r.Channels, Services: r.Services}
	for _, m := range r.Menu {
		t.Menu = append(t.Menu, MenuEntry{m[0][0], m[1][0]})
	}
	if len(r.MSL) > 0 {
		t.MSL = append([]byte{0x01}, r.MSL...) // the rows name the SPI byte alone
	}
	for _, tar := range r.TARs {
		t.TARs = append(t.TARs, tar)
	}
	return t
}

type parameterRows struct {
	Fields []struct {
		ID          string
		Application vectors.Hex
		NonVolatile int         `json:"non_volatile_quota"`
		Volatile    int         `json:"volatile_quota"`
		SIM         vectors.Hex `json:"sim_toolkit"`
		Toolkit     vectors.Hex `json:"uicc_toolkit"`
		Encoded     vectors.Hex
	} `json:"install_parameters"`
	UICC []struct {
		ID      string
		Toolkit *toolkitRow
		Access  []struct {
			AID    vectors.Hex
			Domain vectors.Hex `json:"access_domain"`
		}
		Encoded vectors.Hex
	} `json:"uicc_parameters"`
	SIM []struct {
		ID string
		toolkitRow
		Domain  vectors.Hex `json:"access_domain"`
		Encoded vectors.Hex
	} `json:"sim_parameters"`
	Domains []struct{ Value vectors.Hex } `json:"access_domains"`
}

func parametersOf(t testing.TB) parameterRows {
	t.Helper()
	var p parameterRows
	vectors.Load(t, "gp_install_params.json", &p)
	return p
}

// TestInstallParameters: every published parameter field means what its row says.
func TestInstallParameters(t *testing.T) {
	rows := parametersOf(t)
	for _, row := range rows.Fields {
		got, err := ParseInstallParameters(row.Encoded)
		if err != nil || !bytes.Equal(got.Application, row.Application) || got.NonVolatile != row.NonVolatile || got.Volatile != row.Volatile {
			t.Errorf("%s: %+v, %v", row.ID, got, err)
		}
		if (got.Toolkit != nil) != (len(row.SIM)+len(row.Toolkit) > 0) {
			t.Errorf("%s: toolkit parameters %+v", row.ID, got.Toolkit)
		}
	}
	for _, row := range rows.UICC {
		want := InstallParameters{Application: []byte{}}
		if row.Toolkit != nil {
			want.Toolkit = row.Toolkit.parameters()
		}
		for _, a := range row.Access {
			d := AccessDomain{Domain: a.Domain}
			if len(a.AID) > 0 {
				d.ADF = a.AID
			}
			want.Access = append(want.Access, d)
		}
		equalParameters(t, row.ID, append([]byte{0xC9, 0}, tlv.Encode(0xEA, row.Encoded)...), want)
	}
	for _, row := range rows.SIM {
		want := InstallParameters{Application: []byte{}, Toolkit: row.parameters(), Access: []AccessDomain{{Domain: row.Domain}}}
		equalParameters(t, row.ID, append([]byte{0xC9, 0}, tlv.Encode(0xEF, tlv.Encode(0xCA, row.Encoded))...), want)
	}
	for _, row := range rows.Domains {
		want := InstallParameters{Application: []byte{}, AdminAccess: []AccessDomain{{Domain: row.Value}}}
		v := tlv.Encode(0x82, lv(nil, row.Value, nil))
		equalParameters(t, string(row.Value), append([]byte{0xC9, 0}, tlv.Encode(0xEA, v)...), want)
	}
	if len(rows.Fields) < 4 || len(rows.UICC) < 3 || len(rows.SIM) < 3 || len(rows.Domains) < 6 {
		t.Error("rows are missing")
	}
}

func equalParameters(t *testing.T, id string, field []byte, want InstallParameters) {
	t.Helper()
	got, err := ParseInstallParameters(field)
	if err != nil {
		t.Errorf("%s: %v", id, err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s:\n%s", id, diff)
	}
}

// TestRefusedParameters: nesting, order, doubles, limits.
func TestRefusedParameters(t *testing.T) {
	const toolkit, access = "800B01010000000003424D0100", "81060001000001FF"
	for name, field := range map[string]string{
		"empty":                "",
		"no C9":                "EF04C8020100",
		"C9 not first":         "EF04C8020100C900",
		"C9 twice":             "C900C900",
		"EF twice":             "C900EF04C8020100EF04C7020100",
		"EA before EF":         "C900EA0D" + toolkit + "EF04C8020100",
		"unknown":              "C900EE00",
		"cut":                  "C900EF05C8020100",
		"quota of three":       "C900EF05C803000100",
		"quota twice":          "C900EF08C8020100C8020100",
		"quota beyond sense":   "C900EF06C804FFFFFFFF",
		"C9 inside EF":         "C900EF02C900",
		"CA and EA":            "C900EF0E" + "CA0C010001010000000003424D01" + "EA0D" + toolkit,
		"CA outside EF":        "C900CA0C010001010000000003424D01",
		"unknown in EA":        "C900EA02" + "8300",
		"80 twice":             "C900EA1A" + toolkit + toolkit,
		"priority 00":          "C900EA0D" + "800B00010000000003424D0100",
		"nine timers":          "C900EA0D" + "800B01090000000003424D0100",
		"eight channels":       "C900EA0D" + "800B01010000080003424D0100",
		"TAR of two":           "C900EA0C" + "800A010100000000" + "02424D00",
		"MSL cut":              "C900EA0D" + "800B01010000000103424D0100",
		"MSL of an odd kind":   "C900EA0F" + "800D0101000000020216" + "03424D0100",
		"menu beyond the end":  "C900EA0D" + "800B0101000A000003424D0100",
		"byte behind services": "C900EA0E" + "800C01010000000003424D010000",
		"no tree":              "C900EA02" + "8100",
		"tree twice":           "C900EA0A" + "8108" + "00010000" + "00010000",
		"DAP":                  "C900EA07" + "8105" + "0001000199",
		"domain 01":            "C900EA06" + "8104" + "00010100",
		"domain 02, two bytes": "C900EA08" + "8106" + "000302010000",
		"AID of four":          "C900EA0A" + "8108" + "0401020304010000",
		"short access":         "C900EA08" + access,
	} {
		if p, err := ParseInstallParameters(unhex(t, field)); err == nil {
			t.Errorf("%s: accepted as %+v", name, p)
		}
	}
}
