package uicc

import "fmt"

// SIMAnswer is what a classic SIM answers to SELECT in class A0 (TS 51.011 clause 9.2.1): no TLV, 15 bytes or more
// for an EF, 22 or more for MF and DF.
type SIMAnswer struct {
	FID       FID
	Structure Structure // Directory for MF and DF
	MF        bool
	Size      int // EF: bytes of data; MF and DF: bytes of memory left

	RecordSize  int     // EF
	Records     int     // EF
	Access      [3]byte // EF: a nibble per command: READ UPDATE, INCREASE RFU, REHABILITATE INVALIDATE
	Invalidated bool    // EF

	Characteristics byte // MF, DF: b8 set: CHV1 disabled
	DFs, EFs        int  // MF, DF: children
	CHVs            int  // MF, DF: codes in the directory
	CHVTries        []int
}

// Sizes of the two forms.
const simEF, simDF = 14, 22

// ParseSIMAnswer reads the answer. The result owns its bytes.
func ParseSIMAnswer(b []byte) (SIMAnswer, error) {
	if len(b) < simEF {
		return SIMAnswer{}, fmt.Errorf("%w: SIM answer of %d bytes", ErrMalformed, len(b))
	}
	a := SIMAnswer{FID: FID(b[4])<<8 | FID(b[5]), Size: int(b[2])<<8 | int(b[3])}
	switch b[6] {
	case 0x01, 0x02:
		a.Structure, a.MF = Directory, b[6] == 0x01
		return a, a.readDirectory(b)
	case 0x04:
		a.readEF(b)
		return a, nil
	}
	return a, fmt.Errorf("%w: SIM answer: type of file %02X", ErrMalformed, b[6])
}

func (a *SIMAnswer) readDirectory(b []byte) error {
	if len(b) < simDF {
		return fmt.Errorf("%w: SIM answer of a directory in %d bytes, at least %d", ErrMalformed, len(b), simDF)
	}
	a.Characteristics, a.DFs, a.EFs, a.CHVs = b[13], int(b[14]), int(b[15]), int(b[16])
	for _, status := range b[18:simDF] { // CHV1, UNBLOCK CHV1, CHV2, UNBLOCK CHV2
		tries := -1
		if status&0x80 != 0 { // initialised
			tries = int(status & 0x0F)
		}
		a.CHVTries = append(a.CHVTries, tries)
	}
	return nil
}

func (a *SIMAnswer) readEF(b []byte) {
	copy(a.Access[:], b[8:11])
	a.Invalidated = b[11]&0x01 == 0
	a.Structure = Transparent
	if b[13] == 0x01 {
		a.Structure = LinearFixed
	}
	if b[13] == 0x03 {
		a.Structure = Cyclic
	}
	if a.Structure != Transparent && len(b) > 14 && b[14] > 0 {
		a.RecordSize = int(b[14])
		a.Records = a.Size / a.RecordSize
	}
}
