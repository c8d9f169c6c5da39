package trace

// files say how private the content of a file is. What is missing is never shown, and so are all files that hold keys: EF_Keys, EF_KeysPS,
// EF_EPSNSC, EF_GBABP, EF_MSK, EF_MUK, EF_NAFKCA, EF_Hiddenkey, EF_START-HFN of a USIM, the security contexts and EF_5GAUTHKEYS of DF_5GS,
// EF_Kc and EF_KcGPRS, EF_GBABP of an ISIM, and those of a maker (TS 31.102 clauses 4.2, 4.4; TS 31.103 clause 4.2; TS 51.011 clause 10.3).
var files = map[directory]map[uint16]kind{
	dirMF: {0x2F00: public, 0x2F05: public, 0x2F06: public, 0x2F08: public, 0x2FE2: personal},
	dirUSIM: {
		0x6F05: public, 0x6F06: public, 0x6F07: personal, 0x6F31: public, 0x6F37: public, 0x6F38: public, 0x6F3B: personal, 0x6F3C: personal,
		0x6F3E: public, 0x6F3F: public, 0x6F40: personal, 0x6F42: personal, 0x6F43: public, 0x6F45: public, 0x6F46: public, 0x6F47: personal,
		0x6F48: public, 0x6F49: personal, 0x6F50: public, 0x6F56: public, 0x6F57: public, 0x6F60: public, 0x6F61: public, 0x6F62: public,
		0x6F73: personal, 0x6F78: public, 0x6F7B: public, 0x6F7E: personal, 0x6F80: personal, 0x6F81: personal, 0x6FAD: public, 0x6FB7: public,
		0x6FC5: public, 0x6FC6: public, 0x6FC7: personal, 0x6FC9: public, 0x6FCA: public, 0x6FCB: personal, 0x6FCD: public, 0x6FD9: public,
		0x6FDB: public, 0x6FDC: public, 0x6FE3: personal, 0x6FE6: public, 0x6FE8: public, 0x6FEC: public, 0x6FF0: personal, 0x6FF1: public,
		0x6FF2: personal, 0x6FF3: public, 0x6FF4: public,
	},
	dirISIM: {0x6F02: personal, 0x6F03: public, 0x6F04: personal, 0x6F06: public, 0x6F07: public, 0x6F09: public, 0x6FAD: public},
	dirGSM: {
		0x6F05: public, 0x6F07: personal, 0x6F30: public, 0x6F31: public, 0x6F38: public, 0x6F3E: public, 0x6F3F: public, 0x6F45: public,
		0x6F46: public, 0x6F53: personal, 0x6F60: public, 0x6F61: public, 0x6F62: public, 0x6F78: public, 0x6F7B: public, 0x6F7E: personal,
		0x6FAD: public, 0x6FAE: public, 0x6FB7: public,
	},
	dirTelecom:   {0x6F06: public, 0x6F3A: personal, 0x6F3B: personal, 0x6F3C: personal, 0x6F40: personal, 0x6F42: personal, 0x6F43: public, 0x6F44: personal},
	dir5GS:       {0x4F01: personal, 0x4F02: personal, 0x4F06: public, 0x4F07: public, 0x4F08: public, 0x4F09: personal, 0x4F0A: public, 0x4F0B: public},
	dirGSMAccess: {0x4F63: public, 0x4F64: public},
}

// shape is what an instruction takes a file for: one short identifier may be a transparent file here and one of records there.
type shape int

const (
	transparent shape = iota
	records
)

type short struct {
	sfi   byte
	shape shape
}

// shortFiles are the files reached by short identifier. Nothing tells of a reset, after which the MF is current: SFI 02 is EF_ICCID then.
var shortFiles = map[directory]map[short]kind{
	dirMF: {{0x1E, records}: public, {0x05, transparent}: public, {0x06, records}: public, {0x02, transparent}: personal},
	dirUSIM: {
		{0x01, records}: public, {0x02, transparent}: personal, {0x03, transparent}: public, {0x04, transparent}: public, {0x05, transparent}: public,
		{0x06, transparent}: public, {0x06, records}: public, {0x07, transparent}: personal, {0x0A, transparent}: public, {0x0B, transparent}: personal,
		{0x0C, transparent}: personal, {0x0D, transparent}: public, {0x11, transparent}: public, {0x12, transparent}: public, {0x13, transparent}: public,
		{0x17, records}: public, {0x19, records}: public, {0x1A, records}: public, {0x1D, transparent}: public, {0x1E, transparent}: personal,
		{0x1E, records}: public,
	},
	dirISIM: {
		{0x02, transparent}: personal, {0x03, transparent}: public, {0x04, records}: personal, {0x05, transparent}: public, {0x06, records}: public,
		{0x07, transparent}: public,
	},
	dir5GS: {
		{0x01, transparent}: personal, {0x02, transparent}: personal, {0x06, transparent}: public, {0x07, transparent}: public, {0x08, records}: public,
		{0x09, transparent}: personal, {0x0A, transparent}: public, {0x0B, transparent}: public,
	},
}
