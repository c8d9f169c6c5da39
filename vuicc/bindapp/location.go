package bindapp

import (
	"bytes"
)

// locationFile is one file that must not outlive a change of access (§8.7): how it looks when pre-personalized (TS 31.102
// annex E). keep is the place of three bytes of home network that stay as they are; 0: none.
type locationFile struct {
	file
	size    int // 0: whatever the file or its record has
	keep    int
	pattern func(size int) []byte
	records bool
}

func ff(size int) []byte { return bytes.Repeat([]byte{0xFF}, size) }

// tail is FF with fixed last bytes.
func tail(last ...byte) func(int) []byte {
	return func(size int) []byte { return append(ff(size-len(last)), last...) }
}

// noKeys is the key set identifier 07, "no key", and FF.
func noKeys(size int) []byte { return append([]byte{0x07}, ff(size-1)...) }

// kc is FF with the cipher key sequence number 07 at its end.
var kc = tail(0x07)

var locationFiles = []locationFile{
	{file{true, []uint16{0x6F7E}}, 11, 4, tail(0x00, 0x00, 0xFF, 0x01), false},          // EF_LOCI
	{file{true, []uint16{0x6F73}}, 14, 7, tail(0x00, 0x00, 0xFF, 0x01), false},          // EF_PSLOCI
	{file{true, []uint16{0x6FE3}}, 18, 12, tail(0x00, 0x00, 0x01), false},               // EF_EPSLOCI
	{file{true, []uint16{fid5GS, 0x4F01}}, 20, 13, tail(0x00, 0x00, 0x00, 0x01), false}, // EF_5GS3GPPLOCI
	{file{true, []uint16{fid5GS, 0x4F02}}, 20, 13, tail(0x00, 0x00, 0x00, 0x01), false}, // EF_5GSN3GPPLOCI
	{file{true, []uint16{0x6F08}}, 33, 0, noKeys, false},                                // EF_Keys
	{file{true, []uint16{0x6F09}}, 33, 0, noKeys, false},                                // EF_KeysPS
	{file{true, []uint16{0x6FE4}}, 0, 0, ff, true},                                      // EF_EPSNSC
	{file{true, []uint16{fid5GS, 0x4F03}}, 0, 0, ff, true},                              // EF_5GS3GPPNSC
	{file{true, []uint16{fid5GS, 0x4F04}}, 0, 0, ff, true},                              // EF_5GSN3GPPNSC
	{file{true, []uint16{0x6F7B}}, 0, 0, ff, false},                                     // EF_FPLMN, four networks or more
	{file{false, []uint16{fidGSM, 0x6F7E}}, 11, 4, tail(0x00, 0x00, 0xFF, 0x01), false}, // EF_LOCI of DF_GSM
	{file{false, []uint16{fidGSM, 0x6F53}}, 14, 7, tail(0x00, 0x00, 0xFF, 0x01), false}, // EF_LOCIGPRS
	{file{false, []uint16{fidGSM, 0x6F20}}, 9, 0, kc, false},                            // EF_Kc
	{file{false, []uint16{fidGSM, 0x6F52}}, 9, 0, kc, false},                            // EF_KcGPRS
	{file{false, []uint16{fidGSM, 0x6F7B}}, 0, 0, ff, false},                            // EF_FPLMN of DF_GSM
}

// resetLocation writes every location and key file that differs from its pre-personalized form, and tells which. A missing file is fine,
// one that the access domain keeps is left; ok tells whether the memory took the rest.
func (a *applet) resetLocation() (changed []file, ok bool) {
	ok = true
	for _, f := range locationFiles {
		reset := a.resetBinary
		if f.records {
			reset = a.resetRecord
		}
		wrote, err := reset(f)
		if wrote {
			changed = append(changed, f.file)
		}
		ok = ok && !spoils(err)
	}
	if !ok {
		a.fail(reasonMemory)
	}
	return changed, ok
}

// resetBinary tells whether it wrote, and what refused the write.
func (a *applet) resetBinary(f locationFile) (wrote bool, err error) {
	size := f.size
	if size == 0 {
		_, fcp, err := a.open(f.file)
		if err != nil {
			return false, nil
		}
		size = fileSize(fcp)
	}
	content, _, err := a.readBinary(f.file, size)
	if err != nil {
		return false, nil
	}
	want := f.pristine(content)
	if bytes.Equal(content, want) {
		return false, nil
	}
	err = a.writeBinary(f.file, want)
	return err == nil, err
}

// fileSize is tag 80 of an FCP (TS 102 221 clause 11.1.1.4.1); 0 without one.
func fileSize(fcp []byte) int {
	v, _ := inside(fcp, 0x62).Find(0x80)
	if len(v) != 2 {
		return 0
	}
	return int(v[0])<<8 | int(v[1])
}

// spoils tells a write that the memory refused: the file may hold anything.
func spoils(err error) bool { return err != nil && fileReason(err) == reasonMemory }

func (f locationFile) pristine(content []byte) []byte {
	want := f.pattern(len(content))
	if f.keep > 0 {
		copy(want[f.keep:f.keep+3], content[f.keep:f.keep+3])
	}
	return want
}

// resetRecord does the same with the first record of a record file, where NAS keys stand.
func (a *applet) resetRecord(f locationFile) (wrote bool, err error) {
	v, _, err := a.open(f.file)
	if err != nil {
		return false, nil
	}
	record, err := v.ReadRecord(1)
	if err != nil || filled(record) {
		return false, nil
	}
	err = v.UpdateRecord(1, f.pattern(len(record)))
	return err == nil, err
}

// Outcomes as EF_IPS shows them: OK or KO, and no record of EF_IPD.
var (
	pairedOK = []byte{0x4F, 0x4B, 0xFF, 0xFF}
	pairedKO = []byte{0x4B, 0x4F, 0xFF, 0xFF}
)

// writeEFIPS writes the outcome as the oldest record of EF_IPS, only when it changes (§8.8). A newest record that is neither empty
// nor one of these two is another pairing applet's: the file is left to it.
func (a *applet) writeEFIPS(allowed bool) {
	v, _, err := a.open(file{true, []uint16{fidIPS}})
	if err != nil {
		return
	}
	record := pairedKO
	if allowed {
		record = pairedOK
	}
	newest, err := v.ReadRecord(1)
	ours := filled(newest) || among([][]byte{pairedOK, pairedKO}, newest)
	if err == nil && ours && !bytes.Equal(newest, record) {
		_ = v.UpdateRecord(0, record) // a diagnosis, not a decision
	}
}
