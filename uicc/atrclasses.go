package uicc

// Classes are the operating conditions a card says it takes: A is 5 V, B 3 V, C 1.8 V (TS 102 221 clause 5.1; ISO/IEC 7816-3 clause 8.3,
// first TA behind T=15). Without that byte a card says nothing, and told is false.
func (a ATR) Classes() (classes []string, told bool) {
	for i := 1; i < len(a.Interface); i++ {
		if td := a.Interface[i-1][3]; td < 0 || td&0x0F != globalBytes || a.Interface[i][0] < 0 {
			continue
		}
		for bit, name := range []string{"A", "B", "C"} {
			if a.Interface[i][0]&(1<<bit) != 0 {
				classes = append(classes, name)
			}
		}
		return classes, true
	}
	return nil, false
}
