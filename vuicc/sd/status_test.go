package sd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/nvm"
)

// TestSelect answers the FCI that cards G1 and G2 gave.
func TestSelect(t *testing.T) {
	var all struct {
		FCI []struct {
			ID       string
			Hex, AID vectors.Hex
		} `json:"select_fci"`
	}
	vectors.Load(t, "gp_parsing.json", &all)
	for _, row := range all.FCI[:2] {
		cfg := cfgOf()
		cfg.AID = row.AID
		d, err := New(nvm.New(), cfg, quiet{})
		if err != nil {
			t.Fatal(err)
		}
		if r := d.Select(apdu.Command{}); r.SW != apdu.SWOK || !bytes.Equal(r.Data, row.Hex) {
			t.Errorf("%s: %X", row.ID, r.Bytes())
		}
	}
}

func TestGetData(t *testing.T) {
	b := newBench(t)
	for name, row := range map[string]struct {
		p1, p2 byte
		want   string
	}{
		"CPLC":             {0x9F, 0x7F, "9F7F2A" + strings.Repeat("11", 42)},
		"card data":        {0x00, 0x66, "663E733C06072A864886FC6B01600C060A2A864886FC6B02020301630906072A864886FC6B03640B06092A864886FC6B040370640B06092A864886FC6B040215"},
		"capabilities":     {0x00, 0x67, "671EA006800102810115A0098001038101708201078203" + "1E0000830401020304"},
		"key information":  {0x00, 0xE0, "E024C00401308810C00402308810C00403308810C00401208010C00402208010C00403208010"},
		"sequence counter": {0x00, 0xC1, "C103000000"},
		"KDD":              {0x00, 0xCF, "CF0A00000000000000000000"},
		"resources":        {0xFF, 0x21, "FF2110" + "81020000" + "820400001000" + "830400001000"},
	} {
		for _, cla := range []byte{0x80, 0x00} {
			if r := b.process(cla, apdu.INSGetData, row.p1, row.p2, nil); r.SW != apdu.SWOK || !bytes.Equal(r.Data, unhex(t, row.want)) {
				t.Errorf("%s: %X\nwant %s", name, r.Bytes(), row.want)
			}
		}
	}
	for _, p2 := range []byte{0x42, 0x45, 0xC2, 0x77} {
		b.want(apdu.SWReferenceNotFound, apdu.INSGetData, 0, p2, nil)
	}
}

// TestGetStatus: each kind in both forms, with a filter and with a tag list.
func TestGetStatus(t *testing.T) {
	b := installed(t)
	for name, row := range map[string]struct {
		p1, p2 byte
		data   string
		want   string
	}{
		"domain":            {0x80, 2, "4F00", "E31D" + "4F08A000000151000000" + "9F70010F" + "C5039EFE80" + "CC08A000000151000000"},
		"application":       {0x40, 2, "4F00", "E324" + "4F07F0010203040502" + "9F700107" + "C503000000" + "C406F00102030405" + "CC08A000000151000000"},
		"load file":         {0x20, 2, "4F00", "E31A" + "4F06F00102030405" + "9F700101" + "CE020102" + "CC08A000000151000000"},
		"modules":           {0x10, 2, "4F00", "E323" + "4F06F00102030405" + "9F700101" + "CE020102" + "8407F0010203040501" + "CC08A000000151000000"},
		"filter":            {0x40, 2, "4F03F00102", "E324" + "4F07F0010203040502" + "9F700107" + "C503000000" + "C406F00102030405" + "CC08A000000151000000"},
		"tag list":          {0x40, 2, "4F005C054F9F70C5CC", "E31C" + "4F07F0010203040502" + "9F700107" + "C503000000" + "CC08A000000151000000"},
		"old, domain":       {0x80, 0, "4F00", "08A0000001510000000F9E"},
		"old, application":  {0x40, 0, "4F00", "07F00102030405020700"},
		"old, load file":    {0x20, 0, "4F00", "06F001020304050100"},
		"old, with modules": {0x10, 0, "4F00", "06F00102030405010001" + "07F0010203040501"},
	} {
		if r := b.want(apdu.SWOK, apdu.INSStatus, row.p1, row.p2, unhex(t, row.data)); !bytes.Equal(r.Data, unhex(t, row.want)) {
			t.Errorf("%s: %X\nwant %s", name, r.Data, row.want)
		}
	}
}

// TestRecordedListing: the load files of the card of session A5 make the answer that it gave.
func TestRecordedListing(t *testing.T) {
	want := *sessionsOf(t, "A5")[0].Exchanges[0].Unwrapped
	entries, err := tlv.Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	for _, e := range entries {
		fields, err := tlv.Parse(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		aid, _ := fields.Find(0x4F)
		b.d.reg.LoadFiles = append(b.d.reg.LoadFiles, LoadFile{Package: Package{AID: aid}})
	}
	b.login(0x30, 0)
	if r := b.want(apdu.SWOK, apdu.INSStatus, 0x20, 2, unhex(t, "4F005C034F9F70")); !bytes.Equal(r.Data, want) {
		t.Errorf("%X\nrecorded %X", r.Data, []byte(want))
	}
}

// TestPages: whole entries as many as fit, 6310, and the rest on demand; another command in between ends the listing. An answer
// with R-MAC and R-ENC still fits one response.
func TestPages(t *testing.T) {
	b := newBench(t)
	many := Content{}
	for n := range byte(40) {
		many.LoadFiles = append(many.LoadFiles, LoadFile{Package: Package{AID: []byte{0xF0, 0, 0, 0, 0, n}}})
	}
	many.LoadFiles[7].Modules = manyModules()
	b.d.reg.Content = many
	b.login(0x30, 0x00)
	for _, p1 := range []byte{0x20, 0x10} {
		if n := bytes.Count(b.all(p1), []byte{0xE3}); n != 40 {
			t.Errorf("%d load files", n)
		}
	}
	b.want(apdu.SWMoreData, apdu.INSStatus, 0x20, 2, []byte{0x4F, 0})
	b.want(apdu.SWConditions, apdu.INSStatus, 0x10, 3, []byte{0x4F, 0})
	b.want(apdu.SWMoreData, apdu.INSStatus, 0x20, 2, []byte{0x4F, 0})
	b.want(apdu.SWOK, apdu.INSGetData, 0, 0x66, nil) // open to everybody, no part of the session
	b.want(apdu.SWMoreData, apdu.INSStatus, 0x20, 3, []byte{0x4F, 0})
	b.process(0x80, apdu.INSDelete, 0, 0, nil)
	b.want(apdu.SWConditions, apdu.INSStatus, 0x20, 3, []byte{0x4F, 0})
	for _, level := range []byte{0x11, 0x33} {
		b := newBench(t)
		for n := range byte(40) {
			b.d.reg.LoadFiles = append(b.d.reg.LoadFiles, LoadFile{Package: Package{AID: []byte{0xF0, 0, 0, 0, 0, n}}, Modules: manyModules()})
		}
		b.login(0x30, level)
		r := b.d.Channel(0).Wrap(b.d.manage(apdu.Command{CLA: 0x80, INS: apdu.INSStatus, P1: 0x10, P2: 2, Data: []byte{0x4F, 0}}))
		if len(r.Data) > 256 || len(r.Data) < 200 || r.SW != apdu.SWMoreData {
			t.Errorf("level %02X: %d bytes, %s", level, len(r.Data), r.SW)
		}
	}
}

func manyModules() [][]byte {
	var out [][]byte
	for n := range byte(20) {
		out = append(out, []byte{0xF0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n})
	}
	return out
}

// all joins the pages of a listing.
func (b *bench) all(p1 byte) []byte {
	b.Helper()
	var out []byte
	for p2 := byte(2); ; p2 = 3 {
		r := b.process(0x80, apdu.INSStatus, p1, p2, []byte{0x4F, 0})
		if len(r.Data) > 256 || r.SW != apdu.SWOK && r.SW != apdu.SWMoreData {
			b.Fatalf("%d bytes, %s", len(r.Data), r.SW)
		}
		if out = append(out, r.Data...); r.SW == apdu.SWOK {
			break
		}
	}
	objects, err := tlv.Parse(out)
	if err != nil {
		b.Fatal(err)
	}
	var tags []byte
	for _, o := range objects {
		tags = append(tags, byte(o.Tag))
	}
	return tags
}

// TestOutsideASession: what is open, and what is not.
func TestOutsideASession(t *testing.T) {
	for name, row := range map[string]struct {
		c    apdu.Command
		want apdu.SW
	}{
		"unknown version":                    {apdu.Command{CLA: 0x80, INS: 0x50, P1: 9, Data: make([]byte, 8)}, apdu.SWReferenceNotFound},
		"P2":                                 {apdu.Command{CLA: 0x80, INS: 0x50, P2: 1, Data: make([]byte, 8)}, apdu.SWWrongP1P2},
		"challenge of seven":                 {apdu.Command{CLA: 0x80, INS: 0x50, Data: make([]byte, 7)}, apdu.SWWrongLength},
		"S16 on a card without":              {apdu.Command{CLA: 0x80, INS: 0x50, Data: make([]byte, 16)}, apdu.SWWrongLength},
		"INITIALIZE UPDATE, class 84":        {apdu.Command{CLA: 0x84, INS: 0x50, Data: make([]byte, 8)}, apdu.SWUnknownCLA},
		"EXTERNAL AUTHENTICATE alone":        {apdu.Command{CLA: 0x84, INS: 0x82, P1: 1, Data: make([]byte, 16)}, apdu.SWConditions},
		"EXTERNAL AUTHENTICATE, class 80":    {apdu.Command{CLA: 0x80, INS: 0x82, P1: 1, Data: make([]byte, 16)}, apdu.SWUnknownCLA},
		"GET STATUS":                         {apdu.Command{CLA: 0x80, INS: 0xF2, P1: 0x80, P2: 2, Data: []byte{0x4F, 0}}, apdu.SWSecurityStatus},
		"GET STATUS, secure messaging":       {apdu.Command{CLA: 0x84, INS: 0xF2, P1: 0x80, P2: 2, Data: make([]byte, 10)}, apdu.SWSecurityStatus},
		"DELETE":                             {apdu.Command{CLA: 0x80, INS: 0xE4}, apdu.SWSecurityStatus},
		"PUT KEY":                            {apdu.Command{CLA: 0x80, INS: 0xD8}, apdu.SWSecurityStatus},
		"INSTALL":                            {apdu.Command{CLA: 0x80, INS: 0xE6}, apdu.SWSecurityStatus},
		"LOAD":                               {apdu.Command{CLA: 0x80, INS: 0xE8}, apdu.SWSecurityStatus},
		"STORE DATA":                         {apdu.Command{CLA: 0x80, INS: 0xE2}, apdu.SWSecurityStatus},
		"SET STATUS":                         {apdu.Command{CLA: 0x80, INS: 0xF0}, apdu.SWSecurityStatus},
		"INSTALL, interindustry class":       {apdu.Command{CLA: 0x00, INS: 0xE6}, apdu.SWUnknownCLA},
		"other class":                        {apdu.Command{CLA: 0x90, INS: 0xCA}, apdu.SWUnknownCLA},
		"unknown instruction":                {apdu.Command{CLA: 0x80, INS: 0x2A}, apdu.SWUnknownINS},
		"more data than the card takes":      {apdu.Command{CLA: 0x80, INS: 0xE2, Data: make([]byte, 256)}, apdu.SWWrongLength},
		"GET DATA of nothing with messaging": {apdu.Command{CLA: 0x84, INS: 0xCA, P2: 0x77, Data: make([]byte, 8)}, apdu.SWSecurityStatus},
	} {
		b := newBench(t)
		if r := b.d.Process(row.c); r.SW != row.want || len(r.Data) > 0 {
			t.Errorf("%s: %X, want %s", name, r.Bytes(), row.want)
		}
	}
}

// TestSessionsEnd: by a new INITIALIZE UPDATE, selection, reset; a command in clear inside a session with C-MAC is refused.
func TestSessionsEnd(t *testing.T) {
	for name, end := range map[string]func(b *bench){
		"INITIALIZE UPDATE": func(b *bench) { b.process(0x80, 0x50, 0x30, 0, make([]byte, 8)) },
		"refused beginning": func(b *bench) { b.process(0x80, 0x50, 0x55, 0, make([]byte, 8)) },
		"deselection":       func(b *bench) { b.d.Deselect(0) },
		"reset":             func(b *bench) { b.d.Reset() },
		"the channel":       func(b *bench) { b.d.Channel(0).Reset() },
		"messaging at 00":   func(b *bench) { b.process(0x84, 0xF2, 0x80, 2, make([]byte, 10)) },
	} {
		b := newBench(t)
		b.login(0x30, 0x00)
		b.want(apdu.SWOK, apdu.INSInstall, 0x02, 0, lv(packageAID, nil, nil, nil, nil))
		end(b)
		if r := b.process(0x80, apdu.INSStatus, 0x80, 2, []byte{0x4F, 0}); r.SW.OK() || b.d.Channel(0).Level() != 0 {
			t.Errorf("%s: %s", name, r.SW)
		}
		if diff := cmp.Diff(0, len(b.d.loads)); diff != "" {
			t.Errorf("%s: a load goes on", name)
		}
	}
	b := newBench(t)
	b.login(0x30, 0x01)
	b.want(apdu.SWSecurityStatus, apdu.INSStatus, 0x80, 2, []byte{0x4F, 0})
	if b.d.Channel(0).Level() != 0x81 {
		t.Error("a command in clear ended the session")
	}
}
