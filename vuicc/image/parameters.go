package image

import "github.com/simbind/simbind/tlv"

// Parameters is the parameter field with which INSTALL [for install] would have made the instance (TS 102 226 clause 8.2.1.3.2): C9, then
// EA with 80 toolkit (left out when the priority is 00) and 81 access (left out without access domains).
func (a Applet) Parameters() []byte {
	out := tlv.Encode(0xC9, a.Application)
	var uicc []byte
	if a.Priority != 0 {
		// priority, timers; no menu, no channels, no security level, no TAR, no services
		uicc = tlv.Append(uicc, 0x80, []byte{a.Priority, byte(a.Timers), 0, 0, 0, 0, 0, 0})
	}
	if len(a.Access) > 0 {
		uicc = tlv.Append(uicc, 0x81, a.access())
	}
	if len(uicc) == 0 {
		return out
	}
	return tlv.Append(out, 0xEA, uicc)
}

// access is the AID of the tree, the domain and an empty DAP for each, every one behind its length.
func (a Applet) access() []byte {
	var out []byte
	for _, d := range a.Access {
		out = append(append(out, byte(len(d.ADF))), d.ADF...)
		out = append(append(out, byte(len(d.Domain))), d.Domain...)
		out = append(out, 0)
	}
	return out
}
