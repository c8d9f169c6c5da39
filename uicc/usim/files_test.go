package usim

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/uicc"
)

// content is one vector of a file: its bytes, and what they mean. lossy: bytes that Encode does not give back.
type content struct {
	hex   string
	want  any
	lossy bool
}

func blankOf(n int) string { return strings.Repeat("FF", n) }

func located(family LocationFamily, identity, mcc, mnc, area string, status, reserved byte) Location {
	id, _ := hex.DecodeString(identity)
	a, _ := hex.DecodeString(area)
	return Location{family, id, PLMN{mcc, mnc}, a, status, reserved}
}

const dialled = "4F776EFFFFFFFFFFFFFF" // "Own" and padding

// rows holds the vectors of every file of the table: bytes from real cards and public suites where testdata/vectors
// has some, else worked out by hand from the clause of the row.
var rows = map[string][]content{
	"EF_DIR": {
		{"61184F10A0000000871002FFF359FF89FFFFFFFF50045553494DFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
			uicc.Application{AID: []byte("\xA0\x00\x00\x00\x87\x10\x02\xFF\xF3\x59\xFF\x89\xFF\xFF\xFF\xFF"), Label: "USIM"}, false},
		{blankOf(38), nil, false},
	},
	"EF_ICCID": {
		{"988812010000400310F0", uicc.ICCID("8988211000000430010"), false},
		{"98881201000050038011", uicc.ICCID("89882110000005300811"), false},
	},
	"EF_PL": {{"656E6465", []string{"en", "de"}, false}, {"6672FFFF", []string{"fr"}, false}, {blankOf(8), []string{}, false}},
	"EF_ARR": {{"80010190008001029700800118A40683010A9501088401D4A40683010A950108", []uicc.AccessRule{
		{Mode: 0x01, Condition: "always"}, {Mode: 0x02, Condition: "never"},
		{Mode: 0x18, Condition: "ADM1", Refs: []uicc.KeyRef{uicc.ADM1}}, {INS: 0xD4, Condition: "ADM1", Refs: []uicc.KeyRef{uicc.ADM1}},
	}, false}},
	"EF_IMSI": {
		{"082926101160845740", IMSI("262011106487504"), false}, {"07011010000021F3FF", IMSI("001010000123"), false},
		{"0841060021436587F9", IMSI("46000123456789"), false},
	},
	"EF_Keys":   {{"02" + strings.Repeat("A5", 32), Keys{2, true}, false}, {"07" + blankOf(32), Keys{7, false}, false}},
	"EF_KeysPS": {{"00" + strings.Repeat("A5", 32), Keys{0, true}, false}, {"07" + blankOf(32), Keys{7, false}, false}},
	"EF_UST":    {{strings.Repeat("00", 10) + "10002000000202", Services{10: 0x10, 12: 0x20, 15: 0x02, 16: 0x02}, false}},
	"EF_EST":    {{"00", EST{}, false}, {"05", EST{FDN: true, ACL: true}, false}, {"02FF", EST{BDN: true}, false}},
	"EF_SPN": {
		{"014D61676963FFFFFFFFFFFFFFFFFFFFFF", SPN{1, "Magic"}, false},
		{"0080004D03A9FFFFFFFFFFFFFFFFFFFFFF", SPN{0, "MΩ"}, false},
	},
	"EF_ACC": {{"0008", []int{3}, false}, {"8001", []int{0, 15}, false}, {"0000", []int{}, false}},
	"EF_FPLMN": {
		{"62F220FFFFFF031263FFFFFF", []PLMN{{"262", "02"}, {}, {"302", "361"}, {}}, false}, {blankOf(12), []PLMN{{}, {}, {}, {}}, false},
	},
	"EF_LOCI": {
		{"1122334462F2101A2BFF00", located(CircuitSwitched, "11223344", "262", "01", "1A2B", 0, 0xFF), false},
		{"FFFFFFFF00F1100000FF01", located(CircuitSwitched, "FFFFFFFF", "001", "01", "0000", 1, 0xFF), false},
		{"FFFFFFFF3304200001007B", located(CircuitSwitched, "FFFFFFFF", "334", "020", "0001", 3, 0x00), true},
	},
	"EF_AD": {
		{"00000002", AD{Mode: 0x00, MNC: 2}, false}, {"00000003", AD{MNC: 3}, false}, {"80000102", AD{Mode: 0x80, CipheringIndicator: true, MNC: 2}, false},
		{"000000", AD{}, false}, {"00000000", AD{}, false}, {"0000000F", AD{}, false}, {"00000001", AD{}, false}, {"000000F3", AD{MNC: 3}, false},
	},
	"EF_PSLOCI": {
		{"1122334455667762F2101A2B0300", located(PacketSwitched, "11223344556677", "262", "01", "1A2B03", 0, 0), false},
		{"FFFFFFFFFFFFFF0011000000FF01", located(PacketSwitched, "FFFFFFFFFFFFFF", "001", "001", "0000FF", 1, 0), false},
	},
	"EF_MSISDN": {
		{dialled + "08" + "91" + "947100214365FFFFFFFF" + "FFFF", DialNumber{"Own", "+491700123456"}, false},
		{dialled + "04" + "81" + "2143A5FFFFFFFFFFFFFF" + "FFFF", DialNumber{"Own", "12345*"}, false},
		{blankOf(24), DialNumber{}, false}, {blankOf(14), DialNumber{}, false},
	},
	"EF_EPSLOCI": {
		{"0BF662F21080010211223344" + "62F210" + "1A2B" + "00", located(EPS, "0BF662F21080010211223344", "262", "01", "1A2B", 0, 0), false},
		{blankOf(12) + "62F210" + "0000" + "01", located(EPS, blankOf(12), "262", "01", "0000", 1, 0), false},
	},
	"EF_EPSNSC": {
		{"A034800101" + blankOf(49), NSC{true}, false}, {"A034800107" + blankOf(49), NSC{}, false}, {blankOf(54), NSC{}, false},
		{"A0348001078120" + strings.Repeat("11", 32) + "82040000000083040000000084" + "01" + "22", NSC{}, false}, {"A0FF" + blankOf(52), NSC{true}, false},
	},
	"EF_IAL": {
		{"8010" + "4A09512430325701" + "4A09512430325799" + "FFFF", PairingRange{false, "490154203237510", "490154203237599"}, false},
		{"8110" + "9410450223731500" + "9410450223731599", PairingRange{true, "4901542032375100", "4901542032375199"}, false},
		{"8010" + "94104502237315F8" + "94104502237395F6", PairingRange{false, "490154203237518", "490154203237596"}, false},
		{blankOf(18), PairingRange{}, false},
	},
	"EF_IPS": {
		{"4F4B01FF", PairingStatus{Paired: true, Link: 1}, false}, {"4B4FFFFF", PairingStatus{}, false},
		{"4B4FFEFF", PairingStatus{Link: 254}, false}, {"FFFFFFFF", PairingStatus{Empty: true}, false}, {"4F4B0000", PairingStatus{Paired: true}, true},
	},
	"EF_IPD": {
		{"8008" + "4A09512430325781", PairingDevice{false, "490154203237518"}, false},
		{"8109" + "4309512430325701F1", PairingDevice{true, "4901542032375101"}, false},
		{"8108" + "9410450223731500" + "FF", PairingDevice{true, "4901542032375100"}, false},
		{"8008" + "94104502237315F8" + "FF", PairingDevice{false, "490154203237518"}, false},
		{"8009" + "4A09512430325781FF", PairingDevice{false, "490154203237518"}, false},
		{blankOf(11), PairingDevice{}, false},
	},
	"EF_5GS3GPPLOCI": {
		{"0BF262F2108001021122334455" + "62F210" + "00001A" + "00", located(FiveGS, "0BF262F2108001021122334455", "262", "01", "00001A", 0, 0), false},
		{blankOf(13) + "62F210" + "000000" + "01", located(FiveGS, blankOf(13), "262", "01", "000000", 1, 0), false},
	},
	"EF_5GSN3GPPLOCI": {{blankOf(13) + "130062" + "00001A" + "02", located(FiveGS, blankOf(13), "310", "260", "00001A", 2, 0), false}},
	"EF_5GS3GPPNSC":   {{"A03B80010100" + blankOf(56), NSC{true}, false}, {"A03B800107" + blankOf(57), NSC{}, false}, {blankOf(62), NSC{}, false}},
	"EF_5GSN3GPPNSC":  {{"A03B80010100" + blankOf(56), NSC{true}, false}, {blankOf(62), NSC{}, false}},

	"EF_IMSI of DF_GSM":     {{"080910100000001020", IMSI("001010000000102"), false}},
	"EF_Kc of DF_GSM":       {{"0102030405060708" + "03", Keys{3, true}, false}, {blankOf(8) + "07", Keys{7, false}, false}},
	"EF_KcGPRS of DF_GSM":   {{"0102030405060708" + "00", Keys{0, true}, false}, {blankOf(8) + "07", Keys{7, false}, false}},
	"EF_LOCIGPRS of DF_GSM": {{blankOf(7) + "22F860" + "0000FF" + "01", located(PacketSwitched, blankOf(7), "228", "06", "0000FF", 1, 0), false}},
	"EF_FPLMN of DF_GSM":    {{"92F501FFFFFFFFFFFFFFFFFF", []PLMN{{"295", "10"}, {}, {}, {}}, false}},
	"EF_LOCI of DF_GSM":     {{"FFFFFFFF00F1100000FF01", located(CircuitSwitched, "FFFFFFFF", "001", "01", "0000", 1, 0xFF), false}},
	"EF_AD of DF_GSM":       {{"00FFFF", AD{CipheringIndicator: true, ExtendedDRX: true}, false}, {"00000002", AD{MNC: 2}, false}},
}

// TestFiles walks the table: no row without vectors, no vectors without a row, and every vector both ways.
func TestFiles(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Files {
		t.Run(strings.ReplaceAll(f.Name, " ", "_"), func(t *testing.T) {
			if seen[f.Name] || seen[f.Path.String()] {
				t.Errorf("%s or its path %s stands twice in the table", f.Name, f.Path)
			}
			seen[f.Name], seen[f.Path.String()] = true, true
			if len(rows[f.Name]) == 0 {
				t.Fatal("a row without vectors")
			}
			checkRow(t, f)
			for i, v := range rows[f.Name] {
				t.Run(fmt.Sprint(i), func(t *testing.T) { checkContent(t, f, v) })
			}
		})
	}
	for name := range rows {
		if !seen[name] {
			t.Errorf("vectors for %s, which is not in the table", name)
		}
	}
}

func checkRow(t *testing.T, f File) {
	t.Helper()
	if f.Path[len(f.Path)-1] != f.FID || f.Path[0] != uicc.MF && f.Path[0] != uicc.CurrentADF {
		t.Errorf("path %s of file %s", f.Path, f.FID)
	}
	if f.SFI > 30 || f.Clause == "" || f.Decode == nil || f.Shape == uicc.StructureUnknown || f.Service < 0 {
		t.Errorf("incomplete row: %+v", f)
	}
	if found, ok := FileAt(f.Path); !ok || found.Name != f.Name {
		t.Errorf("FileAt(%s) is %s", f.Path, found.Name)
	}
	if f.Encode != nil {
		if b, err := f.Encode(struct{}{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("encodes anything: %X %v", b, err)
		}
	}
}

func checkContent(t *testing.T, f File, v content) {
	t.Helper()
	b := unhex(t, v.hex)
	if f.Size != 0 && len(b) != f.Size {
		t.Errorf("a vector of %d bytes for a file of %d", len(b), f.Size)
	}
	got, err := f.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.want, got); diff != "" {
		t.Error(diff)
	}
	if f.Encode == nil || v.lossy {
		return
	}
	back, err := f.Encode(got)
	if err != nil || !bytes.Equal(back, b) {
		t.Errorf("encoded %X %v, want %X", back, err, b)
	}
}

// TestFilesRefuse: content of a wrong length or kind is an error that wraps ErrMalformed, never a value.
func TestFilesRefuse(t *testing.T) {
	for name, bad := range map[string][]string{
		"EF_PL":    {"65", "0102"},
		"EF_Keys":  {"", "07"},
		"EF_UST":   {""},
		"EF_SPN":   {"01", ""},
		"EF_ACC":   {"00", "000000"},
		"EF_FPLMN": {"62F2", "0AF110"},
		"EF_LOCI":  {"", "FFFFFFFF00F1100000FF", "FFFFFFFF0AF1100000FF01"},
		"EF_AD":    {"", "0000"},
		"EF_MSISDN": {
			"", blankOf(13), "0C" + "81" + blankOf(12), "FE" + blankOf(13),
		},
		"EF_IAL": {
			"", "80", "8210" + blankOf(16), "8011" + blankOf(16), "800F" + blankOf(15),
			"8010" + "4A09512430325701" + blankOf(8), "8010" + blankOf(16), "8010" + "4B09512430325701" + "4A09512430325799",
		},
		"EF_IPS": {"", "4F4B01", "4F4F01FF"},
		"EF_IPD": {
			"80", "8000", "8008" + "4309512430325781", "8008" + "4A09512430325F81", "8109" + "4A09512430325701F1", "8008" + "4A09512430A25781",
			"8008" + "4A095124303257F1", "80FF" + blankOf(9),
		},
		"EF_5GS3GPPLOCI":  {blankOf(19)},
		"EF_Kc of DF_GSM": {blankOf(8)},
	} {
		for _, text := range bad {
			if got, err := named(t, name).Decode(unhex(t, text)); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %s gives %+v, %v", name, text, got, err)
			}
		}
	}
	for name, bad := range map[string]any{
		"EF_IMSI": IMSI("12"), "EF_ACC": []int{16}, "EF_IPS": PairingStatus{Link: 255}, "EF_LOCI": Location{}, "EF_PSLOCI": located(PacketSwitched, "00", "001", "01", "00", 0, 0),
	} {
		if b, err := named(t, name).Encode(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v encodes as %X, %v", name, bad, b, err)
		}
	}
}

func named(t testing.TB, name string) File {
	t.Helper()
	for _, f := range Files {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no file %s", name)
	return File{}
}

// TestPristine: annex E; xxxxxx is the home network, here 262-01.
func TestPristine(t *testing.T) {
	want := map[string]string{
		"EF_PL": blankOf(4), "EF_Keys": "07" + blankOf(32), "EF_KeysPS": "07" + blankOf(32), "EF_FPLMN": blankOf(12),
		"EF_LOCI": "FFFFFFFF62F2100000FF01", "EF_PSLOCI": "FFFFFFFFFFFFFF62F2100000FF01",
		"EF_EPSLOCI": blankOf(12) + "62F210000001", "EF_EPSNSC": blankOf(54), "EF_5GS3GPPLOCI": blankOf(13) + "62F21000000001",
		"EF_5GSN3GPPLOCI": blankOf(13) + "62F21000000001", "EF_5GS3GPPNSC": blankOf(62), "EF_5GSN3GPPNSC": blankOf(62),
		"EF_Kc of DF_GSM": blankOf(8) + "07", "EF_KcGPRS of DF_GSM": blankOf(8) + "07", "EF_LOCI of DF_GSM": "FFFFFFFF62F2100000FF01",
		"EF_LOCIGPRS of DF_GSM": "FFFFFFFFFFFFFF62F2100000FF01", "EF_FPLMN of DF_GSM": blankOf(12),
	}
	for _, f := range Files {
		text, told := want[f.Name]
		if told != (f.Pristine != nil) {
			t.Errorf("%s: a value before personalisation: %v, want %v", f.Name, f.Pristine != nil, told)
			continue
		}
		if !told {
			continue
		}
		size := len(text) / 2
		got := f.Pristine(PLMN{"262", "01"}.Encode(), size)
		if fmt.Sprintf("%X", got) != text || f.Size != 0 && f.Size != size {
			t.Errorf("%s: %X, want %s", f.Name, got, text)
		}
		value, err := f.Decode(got)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if l, ok := value.(Location); ok && (l.HoldsIdentity() || l.StatusWords() != "not updated") {
			t.Errorf("%s: %+v", f.Name, l)
		}
	}
}

func TestStatusWords(t *testing.T) {
	for _, row := range []struct {
		family LocationFamily
		status byte
		want   string
	}{
		{CircuitSwitched, 0, "updated"}, {CircuitSwitched, 2, "PLMN not allowed"}, {CircuitSwitched, 3, "location area not allowed"},
		{PacketSwitched, 3, "routing area not allowed"}, {EPS, 2, "roaming not allowed"}, {EPS, 3, "reserved"}, {FiveGS, 1, "not updated"}, {CircuitSwitched, 7, "reserved"},
	} {
		if got := (Location{Family: row.family, Status: row.status}).StatusWords(); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}

// TestHoldsIdentity: a TMSI of ones is none (TS 23.003 clause 2.4), also where a device left the network or a signature beside it.
func TestHoldsIdentity(t *testing.T) {
	for _, row := range []struct {
		family   LocationFamily
		identity string
		held     bool
	}{
		{CircuitSwitched, "FFFFFFFF", false}, {CircuitSwitched, "11223344", true}, {CircuitSwitched, "", false},
		{PacketSwitched, "FFFFFFFFFFFFFF", false}, {PacketSwitched, "FFFFFFFF123456", false}, {PacketSwitched, "C1223344FFFFFF", true},
		{EPS, "FFFFFFFFFFFFFFFFFFFFFFFF", false}, {EPS, "0BF600F110800101FFFFFFFF", false}, {EPS, "0BF600F110800101C1223344", true},
		{FiveGS, "FFFFFFFFFFFFFFFFFFFFFFFFFF", false}, {FiveGS, "000BF200F110010041FFFFFFFF", false}, {FiveGS, "000BF200F110010041C1223344", true},
	} {
		if got := located(row.family, row.identity, "", "", "", 0, 0).HoldsIdentity(); got != row.held {
			t.Errorf("%d, %s: %v", row.family, row.identity, got)
		}
	}
}
