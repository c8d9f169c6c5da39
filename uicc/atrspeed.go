package uicc

import "fmt"

// Speed is what TA1 tells: the clock rate conversion, the baud rate adjustment, and the highest clock the card takes
// (ISO/IEC 7816-3 clause 8.3).
type Speed struct {
	F, D  int
	Clock int // kHz
}

// String reads "F 512, D 32, up to 5000 kHz: 312500 bit/s".
func (s Speed) String() string {
	return fmt.Sprintf("F %d, D %d, up to %d kHz: %d bit/s", s.F, s.D, s.Clock, s.Clock*1000*s.D/s.F)
}

// Tables of TA1, by its high and its low nibble; 0: reserved.
var (
	conversions = [16]int{372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048, 0, 0}
	clocks      = [16]int{4000, 5000, 6000, 8000, 12000, 16000, 20000, 0, 0, 5000, 7500, 10000, 15000, 20000, 0, 0}
	adjustments = [16]int{0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0}
)

// Speed reads TA1; without it a card has F 372 and D 1. ok is false for reserved values and for an ATR that was not read.
func (a ATR) Speed() (s Speed, ok bool) {
	if len(a.Interface) == 0 {
		return Speed{}, false
	}
	ta1 := a.Interface[0][0]
	if ta1 < 0 {
		ta1 = 0x11
	}
	s = Speed{F: conversions[ta1>>4], D: adjustments[ta1&0x0F], Clock: clocks[ta1>>4]}
	return s, s.F > 0 && s.D > 0
}
