package sd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/tlv"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordedCAP is the load file data block that session A6 loads: 343 bytes with Descriptor.
func recordedCAP(t testing.TB) []byte {
	t.Helper()
	r := sessionsOf(t, "A6")[0]
	file := slices.Concat(command(t, r.Exchanges[3].Plain).Data, command(t, r.Exchanges[4].Plain).Data)
	block, ok := only(file, 0xC4)
	if !ok {
		t.Fatalf("%X", file)
	}
	return block
}

// TestRecordedInstallation is session A6 as its card saw it: two DELETEs, INSTALL [for load], the blocks of a real CAP file, INSTALL
// [for install and make selectable], all encrypted, answered with the recorded status words.
func TestRecordedInstallation(t *testing.T) {
	r := sessionsOf(t, "A6")[0]
	aid, app := unhex(t, "D0D1D2D3D4D501"), unhex(t, "D0D1D2D3D4D50101")
	rt := &shelf{free: 1 << 15, modules: [][]byte{app}, has: []Package{platform}}
	cfg := Config{AID: unhex(t, "A000000003000000"), Preinstalled: Content{LoadFiles: []LoadFile{{Package: Package{AID: aid}}}}}
	d := domainOf(t, r, cfg, rt)
	d.Process(command(t, r.Initialize.Command))
	if got := d.Process(command(t, r.External.Command)); got.SW != apdu.SWOK {
		t.Fatal(got.SW)
	}
	for i, x := range r.Exchanges {
		want, err := apdu.ParseResponse(x.Response)
		if err != nil {
			t.Fatal(err)
		}
		got := d.Process(command(t, x.Wrapped))
		if got.SW != want.SW || len(want.Data) > 0 && !bytes.Equal(got.Data, want.Data) {
			t.Fatalf("exchange %d: %X, recorded %X", i, got.Bytes(), []byte(x.Response))
		}
	}
	wantFile := LoadFile{
		Package: Package{AID: aid, Major: 1}, Modules: [][]byte{app}, Size: 343,
		Imports: []Package{{AID: platform.AID, Major: 1}},
	}
	if diff := cmp.Diff([]LoadFile{wantFile}, d.LoadFiles()); diff != "" {
		t.Error(diff)
	}
	wantInstance := Instance{AID: app, LoadFile: aid, Module: app, Privileges: []byte{2, 0, 0}, State: Selectable, Parameters: unhex(t, "C90100EF04C80207D0")}
	if diff := cmp.Diff([]Instance{wantInstance}, d.Instances()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(InstallParameters{Application: []byte{0}, NonVolatile: 2000}, rt.parameters); diff != "" {
		t.Error(diff)
	}
}

// TestLoadFileHash holds the published hash of the CAP file of session A6, and refuses any other.
func TestLoadFileHash(t *testing.T) {
	block := recordedCAP(t)
	want := unhex(t, "60A16FEA3D7BAF74DFE112ABF645972D6869EDEE8A46F4109CE78F40D33E57B5") // row F51-2
	aid := unhex(t, "D0D1D2D3D4D501")
	for _, size := range []int{32, 100, 255} {
		b := newBench(t)
		b.login(0x30, 0)
		if sw := b.loads(aid, block, want, size); sw != apdu.SWOK {
			t.Errorf("blocks of %d: %s", size, sw)
		}
	}
	b := newBench(t)
	b.login(0x30, 0)
	if sw := b.loads(aid, block, bytes.Repeat([]byte{1}, 32), 100); sw != apdu.SWWrongData || len(b.d.LoadFiles()) != 0 {
		t.Errorf("a wrong hash: %s", sw)
	}
}

// TestCAPCutAndChanged: a load file cut anywhere is refused, and so is one with a component too much, twice, or in disorder.
func TestCAPCutAndChanged(t *testing.T) {
	block := recordedCAP(t)
	starts := map[int]bool{0: true}
	for n := 0; n < len(block); {
		n += 3 + int(block[n+1])<<8 + int(block[n+2])
		starts[n] = true
	}
	for n := range block {
		_, err := parseCAP(block[:n])
		if !starts[n] && err == nil {
			t.Errorf("cut at %d: accepted", n)
		}
	}
	header := block[:3+17]
	for name, b := range map[string][]byte{
		"Header twice":     slices.Concat(header, block),
		"Header not first": slices.Concat([]byte{2, 0, 0}, block),
		"tag 00":           slices.Concat(block, []byte{0, 0, 0}),
		"empty":            {},
		"no Import":        header,
		"magic":            slices.Concat(block[:3], []byte{0xDE, 0xCA, 0xFF, 0xEE}, block[7:]),
		"no flag":          slices.Concat(block[:9], []byte{0x00}, block[10:]),
		"AID of four":      capFile([]byte{1, 2, 3, 4}, nil),
		"module twice":     capFile(packageAID, [][]byte{moduleAID, moduleAID}),
	} {
		if _, err := parseCAP(b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if f, err := parseCAP(capFile(packageAID, nil, platform)); err != nil || len(f.Modules) != 0 || f.Major != 1 || f.Minor != 2 {
		t.Errorf("a library: %+v, %v", f, err)
	}
}

// TestInstall: each form of INSTALL and DELETE in its order, and what the runtime is told.
func TestInstall(t *testing.T) {
	b := installed(t)
	if i, ok := b.d.Instance(appAID); !ok || !i.CanBeSelected() || i.Locked() {
		t.Errorf("%+v", i)
	}
	second := append(bytes.Clone(appAID), 2)
	b.want(apdu.SWOK, apdu.INSInstall, 0x04, 0, lv(packageAID, moduleAID, second, []byte{0x10, 0, 0}, []byte{0xC9, 0x01, 0x55}, nil))
	if i, _ := b.d.Instance(second); i.State != Installed || i.CanBeSelected() {
		t.Errorf("%+v", i)
	}
	b.want(apdu.SWOK, apdu.INSInstall, 0x08, 0, lv(nil, nil, second, []byte{0x00}, nil, nil))
	b.want(apdu.SWConditions, apdu.INSInstall, 0x08, 0, lv(nil, nil, second, []byte{0x00}, nil, nil))
	b.want(apdu.SWConditions, apdu.INSDelete, 0, 0, tlv.Encode(0x4F, packageAID))

	b.rt.keep = second
	b.want(apdu.SWConditions, apdu.INSDelete, 0, 0x80, tlv.Encode(0x4F, packageAID))
	if len(b.d.Instances()) != 2 {
		t.Error("a refused DELETE took something")
	}
	b.rt.keep, b.rt.said = nil, nil
	if r := b.want(apdu.SWOK, apdu.INSDelete, 0, 0x80, tlv.Encode(0x4F, packageAID)); !bytes.Equal(r.Data, []byte{0}) {
		t.Errorf("%X", r.Data)
	}
	if diff := cmp.Diff([]string{"uninstall", "uninstall", "drop", "drop"}, b.rt.said); diff != "" {
		t.Error(diff)
	}
	b.want(apdu.SWReferenceNotFound, apdu.INSDelete, 0, 0, tlv.Encode(0x4F, packageAID))
	b.open()
	if len(b.d.Instances())+len(b.d.LoadFiles()) != 0 {
		t.Error("deleted content came back")
	}
}

// TestRefusedInstall: the word of an install method is the answer, any other error is 6F00, and nothing stays.
func TestRefusedInstall(t *testing.T) {
	for _, row := range []struct {
		err  error
		want apdu.SW
	}{{apdu.SWWrongData, apdu.SWWrongData}, {errSomething, apdu.SWNoDiagnosis}} {
		b := installed(t)
		b.rt.refuse = row.err
		other := append(bytes.Clone(appAID), 2)
		b.want(row.want, apdu.INSInstall, 0x0C, 0, lv(packageAID, moduleAID, other, []byte{0}, []byte{0xC9, 0}, nil))
		if _, there := b.d.Instance(other); there || b.rt.said[len(b.rt.said)-1] != "drop" {
			t.Errorf("left behind, %v", b.rt.said)
		}
	}
}

// TestContentRefusals: one row, one command on a card with one load file and one instance, one status word.
func TestContentRefusals(t *testing.T) {
	good := capFile(append(bytes.Clone(packageAID), 9), nil, platform)
	c9 := []byte{0xC9, 0}
	aid9 := append(bytes.Clone(packageAID), 9)
	for name, row := range map[string]struct {
		ins, p1, p2 byte
		data        []byte
		want        apdu.SW
	}{
		"load: AID in use":               {0xE6, 0x02, 0, lv(packageAID, nil, nil, nil, nil), apdu.SWConditions},
		"load: AID of an application":    {0xE6, 0x02, 0, lv(appAID, nil, nil, nil, nil), apdu.SWConditions},
		"load: AID of the domain":        {0xE6, 0x02, 0, lv(DefaultAID, nil, nil, nil, nil), apdu.SWConditions},
		"load: other domain":             {0xE6, 0x02, 0, lv(aid9, appAID, nil, nil, nil), apdu.SWReferenceNotFound},
		"load: hash of 5":                {0xE6, 0x02, 0, lv(aid9, nil, make([]byte, 5), nil, nil), apdu.SWWrongData},
		"load: token":                    {0xE6, 0x02, 0, lv(aid9, nil, nil, nil, []byte{1}), apdu.SWWrongData},
		"load: field missing":            {0xE6, 0x02, 0, lv(aid9, nil, nil, nil), apdu.SWWrongData},
		"load: trailing byte":            {0xE6, 0x02, 0, append(lv(aid9, nil, nil, nil, nil), 0), apdu.SWWrongData},
		"load: AID of 4":                 {0xE6, 0x02, 0, lv([]byte{1, 2, 3, 4}, nil, nil, nil, nil), apdu.SWWrongData},
		"load: too large":                {0xE6, 0x02, 0, lv(aid9, nil, nil, []byte{0xEF, 4, 0xC6, 2, 0xFF, 0xFF}, nil), apdu.SWNoMemory},
		"load: quota of 3":               {0xE6, 0x02, 0, lv(aid9, nil, nil, []byte{0xEF, 5, 0xC6, 3, 0, 0, 0}, nil), apdu.SWWrongData},
		"load: unknown parameters":       {0xE6, 0x02, 0, lv(aid9, nil, nil, []byte{0xC9, 0}, nil), apdu.SWWrongData},
		"install: P2":                    {0xE6, 0x0C, 1, nil, apdu.SWWrongP1P2},
		"install: extradition":           {0xE6, 0x10, 0, nil, apdu.SWFunctionUnsupported},
		"install: unknown load file":     {0xE6, 0x0C, 0, lv(aid9, moduleAID, aid9, []byte{0}, c9, nil), apdu.SWReferenceNotFound},
		"install: unknown module":        {0xE6, 0x0C, 0, lv(packageAID, aid9, aid9, []byte{0}, c9, nil), apdu.SWReferenceNotFound},
		"install: AID in use":            {0xE6, 0x0C, 0, lv(packageAID, moduleAID, appAID, []byte{0}, c9, nil), apdu.SWConditions},
		"install: two privilege bytes":   {0xE6, 0x0C, 0, lv(packageAID, moduleAID, aid9, []byte{0, 0}, c9, nil), apdu.SWWrongData},
		"install: security domain":       {0xE6, 0x0C, 0, lv(packageAID, moduleAID, aid9, []byte{0x80, 0xC0, 0}, c9, nil), apdu.SWWrongData},
		"install: no C9":                 {0xE6, 0x0C, 0, lv(packageAID, moduleAID, aid9, []byte{0}, nil, nil), apdu.SWWrongData},
		"install: token":                 {0xE6, 0x0C, 0, lv(packageAID, moduleAID, aid9, []byte{0}, c9, []byte{1}), apdu.SWWrongData},
		"install: too large":             {0xE6, 0x0C, 0, lv(packageAID, moduleAID, aid9, []byte{0}, []byte{0xC9, 0, 0xEF, 4, 0xC7, 2, 0xFF, 0xFF}, nil), apdu.SWNoMemory},
		"selectable: unknown":            {0xE6, 0x08, 0, lv(nil, nil, aid9, []byte{0}, nil, nil), apdu.SWReferenceNotFound},
		"personalization: unknown":       {0xE6, 0x20, 0, lv(nil, nil, aid9, nil, nil, nil), apdu.SWReferenceNotFound},
		"personalization: cut":           {0xE6, 0x20, 0, lv(nil, nil, appAID), apdu.SWWrongData},
		"LOAD without INSTALL":           {0xE8, 0x80, 0, tlv.Encode(0xC4, good), apdu.SWConditions},
		"DELETE: unknown":                {0xE4, 0, 0, tlv.Encode(0x4F, aid9), apdu.SWReferenceNotFound},
		"DELETE: the domain":             {0xE4, 0, 0, tlv.Encode(0x4F, DefaultAID), apdu.SWConditions},
		"DELETE: in use":                 {0xE4, 0, 0, tlv.Encode(0x4F, packageAID), apdu.SWConditions},
		"DELETE: P1":                     {0xE4, 1, 0, tlv.Encode(0x4F, appAID), apdu.SWWrongP1P2},
		"DELETE: no tag":                 {0xE4, 0, 0, nil, apdu.SWWrongData},
		"DELETE: two":                    {0xE4, 0, 0, append(tlv.Encode(0x4F, appAID), tlv.Encode(0x4F, appAID)...), apdu.SWWrongData},
		"DELETE: unknown key":            {0xE4, 0, 0, []byte{0xD2, 1, 0x55}, apdu.SWReferenceNotFound},
		"DELETE: key related":            {0xE4, 0, 0x80, []byte{0xD2, 1, 0x20}, apdu.SWWrongP1P2},
		"DELETE: version 00":             {0xE4, 0, 0, []byte{0xD2, 1, 0}, apdu.SWWrongData},
		"DELETE: every key 01":           {0xE4, 0, 0, []byte{0xD0, 1, 1}, apdu.SWConditions},
		"SET STATUS: terminate":          {0xF0, 0x80, 0xFF, nil, apdu.SWConditions},
		"SET STATUS: backwards":          {0xF0, 0x80, 0x07, nil, apdu.SWConditions},
		"SET STATUS: no state":           {0xF0, 0x80, 0x33, nil, apdu.SWWrongP1P2},
		"SET STATUS: unknown":            {0xF0, 0x40, 0x80, aid9, apdu.SWReferenceNotFound},
		"SET STATUS: unlock what is not": {0xF0, 0x40, 0x07, appAID, apdu.SWConditions},
		"SET STATUS: load file":          {0xF0, 0x20, 0x80, packageAID, apdu.SWWrongP1P2},
		"STORE DATA: encrypted":          {0xE2, 0xE0, 0, []byte{0x45, 1, 1}, apdu.SWFunctionUnsupported},
		"STORE DATA: block 1":            {0xE2, 0x90, 1, []byte{0x45, 1, 1}, apdu.SWWrongP1P2},
		"STORE DATA: not its own":        {0xE2, 0x90, 0, []byte{0xE0, 3, 0x80, 1, 1}, apdu.SWConditions},
		"STORE DATA: malformed":          {0xE2, 0x90, 0, []byte{0x45, 9, 1}, apdu.SWWrongData},
		"GET STATUS: P1":                 {0xF2, 0xC0, 2, []byte{0x4F, 0}, apdu.SWWrongP1P2},
		"GET STATUS: next of nothing":    {0xF2, 0x40, 3, []byte{0x4F, 0}, apdu.SWConditions},
		"GET STATUS: no filter":          {0xF2, 0x40, 2, nil, apdu.SWWrongData},
		"GET STATUS: no such":            {0xF2, 0x40, 2, tlv.Encode(0x4F, aid9), apdu.SWReferenceNotFound},
		"unknown instruction":            {0x2A, 0, 0, nil, apdu.SWUnknownINS},
	} {
		t.Run(name, func(t *testing.T) {
			b := installed(t)
			before := b.mem.Snapshot()
			b.want(row.want, row.ins, row.p1, row.p2, row.data)
			if diff := cmp.Diff(before, b.mem.Snapshot()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLoadRefusals: what a load file may get wrong on its way in. Afterwards no load is under way and nothing is there.
func TestLoadRefusals(t *testing.T) {
	aid := append(bytes.Clone(packageAID), 9)
	good := capFile(aid, nil, platform)
	newer := platform
	newer.Minor++
	for name, row := range map[string]struct {
		blocks []apdu.Command
		want   apdu.SW
	}{
		"import missing":    {blocksOf(capFile(aid, nil, Package{AID: appAID, Major: 1})), 0x6438},
		"import too new":    {blocksOf(capFile(aid, nil, newer)), 0x6438},
		"other AID":         {blocksOf(capFile(packageAID, nil, platform)), apdu.SWWrongData},
		"no CAP":            {blocksOf([]byte("no CAP file at all")), apdu.SWWrongData},
		"DAP block":         {[]apdu.Command{{P1: 0x80, Data: []byte{0xE2, 0x00}}}, apdu.SWWrongData},
		"too large":         {[]apdu.Command{{Data: []byte{0xC4, 0x82, 0xFF, 0xFF, 0x01}}}, apdu.SWNoMemory},
		"too much":          {[]apdu.Command{{Data: []byte{0xC4, 0x01, 0x01, 0x02}}}, apdu.SWWrongData},
		"too little":        {[]apdu.Command{{P1: 0x80, Data: []byte{0xC4, 0x05, 0x01}}}, apdu.SWWrongData},
		"indefinite length": {[]apdu.Command{{Data: []byte{0xC4, 0x80, 0x01}}}, apdu.SWWrongData},
		"empty block":       {[]apdu.Command{{Data: nil}}, apdu.SWWrongLength},
		"block 1 first":     {[]apdu.Command{{P2: 1, Data: []byte{0xC4}}}, apdu.SWWrongP1P2},
		"P1":                {[]apdu.Command{{P1: 1, Data: []byte{0xC4}}}, apdu.SWWrongP1P2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.login(0x30, 0)
			b.want(apdu.SWOK, apdu.INSInstall, 0x02, 0, lv(aid, nil, nil, nil, nil))
			for n, c := range row.blocks {
				sw := apdu.SWOK
				if n == len(row.blocks)-1 {
					sw = row.want
				}
				b.want(sw, apdu.INSLoad, c.P1, c.P2, c.Data)
			}
			b.want(apdu.SWConditions, apdu.INSLoad, 0x80, 0, tlv.Encode(0xC4, good))
			if len(b.d.LoadFiles()) != 0 {
				t.Error("something was loaded")
			}
		})
	}
	b := newBench(t)
	b.login(0x30, 0)
	b.want(apdu.SWOK, apdu.INSInstall, 0x02, 0, lv(aid, nil, nil, nil, nil))
	b.want(apdu.SWReferenceNotFound, apdu.INSDelete, 0, 0, tlv.Encode(0x4F, aid))
	b.want(apdu.SWConditions, apdu.INSLoad, 0x80, 0, tlv.Encode(0xC4, good)) // DELETE came between
}

func blocksOf(block []byte) []apdu.Command {
	file := tlv.Encode(0xC4, block)
	return []apdu.Command{{Data: file[:5]}, {P1: 0x80, P2: 1, Data: file[5:]}}
}

// TestLibraries: a load file may be linked against another one, which then cannot be deleted.
func TestLibraries(t *testing.T) {
	b := newBench(t)
	b.login(0x30, 0)
	library, user := append(bytes.Clone(packageAID), 1), append(bytes.Clone(packageAID), 2)
	uses := capFile(user, nil, Package{AID: library, Major: 1, Minor: 2})
	if sw := b.loads(user, uses, nil, 200); sw != swImportMissing {
		t.Fatal(sw)
	}
	if sw := b.loads(library, capFile(library, nil, platform), nil, 200); sw != apdu.SWOK {
		t.Fatal(sw)
	}
	if sw := b.loads(user, uses, nil, 200); sw != apdu.SWOK {
		t.Fatal(sw)
	}
	b.want(apdu.SWConditions, apdu.INSDelete, 0, 0x80, tlv.Encode(0x4F, library))
	b.want(apdu.SWOK, apdu.INSDelete, 0, 0, tlv.Encode(0x4F, user))
	b.want(apdu.SWOK, apdu.INSDelete, 0, 0, tlv.Encode(0x4F, library))
}

// TestWithoutInstaller: a card that takes no content says so, and still has its keys and registry.
func TestWithoutInstaller(t *testing.T) {
	b := installed(t)
	d, err := New(b.mem, cfgOf(), quiet{})
	if err != nil {
		t.Fatal(err)
	}
	b.d = d
	b.login(0x30, 0)
	b.want(apdu.SWFunctionUnsupported, apdu.INSInstall, 0x02, 0, lv(moduleAID, nil, nil, nil, nil))
	b.want(apdu.SWFunctionUnsupported, apdu.INSInstall, 0x0C, 0, lv(packageAID, moduleAID, moduleAID, []byte{0}, []byte{0xC9, 0}, nil))
	b.want(apdu.SWFunctionUnsupported, apdu.INSDelete, 0, 0, tlv.Encode(0x4F, appAID))
	b.want(apdu.SWReferenceNotFound, apdu.INSGetData, 0xFF, 0x21, nil)
	b.want(apdu.SWOK, apdu.INSStatus, 0x40, 0x02, []byte{0x4F, 0})
}

// TestPersonalization: STORE DATA goes to the application up to its last block; then it is for the domain again.
func TestPersonalization(t *testing.T) {
	b := installed(t)
	begin := lv(nil, nil, appAID, nil, nil, nil)
	b.want(apdu.SWOK, apdu.INSInstall, 0x20, 0, begin)
	for n, p1 := range []byte{0x10, 0x10, 0x90} {
		if r := b.want(apdu.SWOK, apdu.INSStoreData, p1, byte(n), []byte{0xE0, byte(n)}); !bytes.Equal(r.Data, appAID) {
			t.Errorf("%X", r.Data)
		}
		if c := b.rt.personalizing; c.P1 != p1 || c.P2 != byte(n) || c.CLA != 0x80 || c.Data[1] != byte(n) {
			t.Errorf("the application sees %v", c)
		}
	}
	b.want(apdu.SWConditions, apdu.INSStoreData, 0x90, 0, []byte{0xE0, 0x00})
	for name, end := range map[string]func(){
		"another INSTALL": func() { b.process(0x80, apdu.INSInstall, 0x20, 0, nil) },
		"the lock":        func() { b.want(apdu.SWOK, apdu.INSSetStatus, 0x40, 0x80, appAID) },
	} {
		b.want(apdu.SWOK, apdu.INSInstall, 0x20, 0, begin)
		end()
		if r := b.process(0x80, apdu.INSStoreData, 0x90, 0, []byte{0xE0, 0x00}); r.SW != apdu.SWConditions {
			t.Errorf("%s: %s", name, r.SW)
		}
		b.process(0x80, apdu.INSSetStatus, 0x40, 0x07, appAID)
	}
}

// TestOwnData: the domain takes its two numbers in one chain or several, whole or not at all.
func TestOwnData(t *testing.T) {
	b := newBench(t)
	b.login(0x30, 0)
	b.want(apdu.SWReferenceNotFound, apdu.INSGetData, 0, 0x42, nil)
	b.want(apdu.SWOK, apdu.INSStoreData, 0x10, 0, []byte{0x42, 3, 1})
	b.want(apdu.SWOK, apdu.INSStoreData, 0x90, 1, []byte{2, 3, 0x45, 1, 9})
	b.open()
	for p2, want := range map[byte]string{0x42: "4203010203", 0x45: "450109"} {
		if r := b.want(apdu.SWOK, apdu.INSGetData, 0, p2, nil); !bytes.Equal(r.Data, unhex(t, want)) {
			t.Errorf("%X, want %s", r.Data, want)
		}
	}
}

// TestLifeCycles: an application is locked and gets its state back; a locked card is the domain alone.
func TestLifeCycles(t *testing.T) {
	b := installed(t)
	b.want(apdu.SWOK, apdu.INSSetStatus, 0x40, 0x83, appAID)
	if i, _ := b.d.Instance(appAID); !i.Locked() || i.CanBeSelected() || i.State != 0x87 {
		t.Errorf("%02X", i.State)
	}
	b.want(apdu.SWConditions, apdu.INSInstall, 0x20, 0, lv(nil, nil, appAID, nil, nil, nil))
	b.want(apdu.SWOK, apdu.INSSetStatus, 0x40, 0x07, appAID)
	if i, _ := b.d.Instance(appAID); i.State != Selectable {
		t.Errorf("%02X", i.State)
	}
	b.want(apdu.SWOK, apdu.INSSetStatus, 0x80, CardLocked, DefaultAID)
	if r := b.d.Select(apdu.Command{}); r.SW != apdu.SWFileDeactivated || len(r.Data) == 0 {
		t.Errorf("SELECT: %X", r.Bytes())
	}
	b.want(apdu.SWConditions, apdu.INSDelete, 0, 0, tlv.Encode(0x4F, appAID))
	b.want(apdu.SWConditions, apdu.INSSetStatus, 0x40, 0x80, appAID)
	b.open()
	b.login(0x30, 0x00)
	b.want(apdu.SWOK, apdu.INSStatus, 0x80, 0x02, []byte{0x4F, 0})
	b.want(apdu.SWOK, apdu.INSSetStatus, 0x80, Secured, nil)
	if b.d.State() != Secured {
		t.Errorf("%02X", b.d.State())
	}
}

// TestEveryCut: the power goes at each write of each command that changes something, before it and after. The domain opens again and
// knows the old content or the new, never half of it.
func TestEveryCut(t *testing.T) {
	other := append(bytes.Clone(packageAID), 9)
	block := capFile(other, nil, platform)
	hash := sha256.Sum256(block)
	rows := map[string]func(b *bench){
		"load": func(b *bench) { b.loads(other, block, hash[:], 50) },
		"install": func(b *bench) {
			b.process(0x80, 0xE6, 0x0C, 0, lv(packageAID, moduleAID, other, []byte{0}, []byte{0xC9, 0}, nil))
		},
		"delete":     func(b *bench) { b.process(0x80, 0xE4, 0, 0x80, tlv.Encode(0x4F, packageAID)) },
		"delete key": func(b *bench) { b.process(0x80, 0xE4, 0, 0, []byte{0xD2, 1, 0x20}) },
		"lock":       func(b *bench) { b.process(0x80, 0xF0, 0x40, 0x80, appAID) },
		"card lock":  func(b *bench) { b.process(0x80, 0xF0, 0x80, CardLocked, nil) },
		"store":      func(b *bench) { b.process(0x80, 0xE2, 0x90, 0, []byte{0x45, 1, 1}) },
		"put key":    func(b *bench) { b.process(0x80, 0xD8, 0, 0x81, newKeys(b.T)) },
	}
	for name, run := range rows {
		old, whole := installed(t), installed(t)
		run(whole)
		if cmp.Equal(old.mem.Snapshot(), whole.mem.Snapshot()) {
			t.Fatalf("%s changes nothing", name)
		}
		for n := 1; ; n++ {
			for _, after := range []bool{false, true} {
				b := installed(t)
				b.mem.CutAt(n, after)
				if !cut(t, func() { run(b) }) {
					n = -1
					break
				}
				b.d.Reset()
				if got := b.mem.Snapshot(); !cmp.Equal(got, old.mem.Snapshot()) && !cmp.Equal(got, whole.mem.Snapshot()) {
					t.Errorf("%s, write %d: half done", name, n)
				}
				b.mem.CutAt(0, false)
				b.login(0x30, 0)
			}
			if n < 0 {
				break
			}
		}
		b := installed(t)
		before := b.mem.Snapshot()
		b.mem.FailAt(1)
		run(b)
		if diff := cmp.Diff(before, b.mem.Snapshot()); diff != "" {
			t.Errorf("%s when the memory refuses:\n%s", name, diff)
		}
	}
}

// newKeys is the data of PUT KEY of row E4: version 31 instead of 30, under the test key.
func newKeys(t testing.TB) []byte {
	var all struct {
		PutKey []struct{ Data vectors.Hex } `json:"put_key"`
	}
	vectors.Load(t, "scp_primitives.json", &all)
	out := bytes.Clone(all.PutKey[0].Data)
	out[0] = 0x31
	return out
}
