package image

import "encoding/hex"

func h(s string) Hex {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // the tables below are constants
	}
	return b
}

// Codes of every image: PIN1 1234, PUK1 12345678, PIN2 5678, PUK2 87654321, ADM1 88888888, all ASCII.
const (
	pin1 = "31323334FFFFFFFF"
	puk1 = "3132333435363738"
	pin2 = "35363738FFFFFFFF"
	puk2 = "3837363534333231"
	adm1 = "3838383838383838"
)

// ATRs: a T=0 card, and one that offers T=1 alone.
const (
	atrT0 = "3B9F96801F878031E073FE211B674A4C753034054BA9" // sysmoISIM-SJA2 (testdata/vectors, fcp.json ATR-2)
	atrT1 = "3B9E968131FE458031E073FE211B6653494D424E449C"
)

const (
	usimAID = "A0000000871002FFFFFFFF8907090000"
	isimAID = "A0000000871004FFFFFFFF8907090000"
	testKey = "404142434445464748494A4B4C4D4E4F"
	isdAID  = "A000000151000000"

	packageAID  = "F053494D42494E44"
	instanceAID = "F053494D42494E4401"
)

// Access rules: conditions and the records of EF_ARR made of them.
const (
	adm     = "A40683010A950108"
	pin     = "A406830101950108"
	always  = "9000"
	never   = "9700"
	deact   = "800118" + adm
	ruleOpn = "800101" + always + "800102" + adm + deact   // read always, update ADM1
	rulePIN = "800101" + pin + "800102" + pin + deact      // read and update PIN1
	ruleIMS = "800101" + pin + "800102" + adm + deact      // read PIN1, update ADM1
	ruleFix = "800101" + always + "800102" + never + deact // read always, update never
	ruleADM = "800101" + adm + "800102" + adm + deact      // ADM1 alone
)

// Records of both EF_ARR: the one of MF and the one of ADF.USIM.
const (
	recOpen = 1
	recPIN  = 2
	recIMSI = 10
	recFix  = 4
	recADM  = 5
)

func arrContent() Hex {
	records := []string{ruleOpn, rulePIN, ruleIMS, ruleFix, ruleADM, ruleOpn, ruleOpn, ruleOpn, ruleOpn, ruleIMS}
	var out Hex
	for _, r := range records {
		out = append(out, pad(h(r), arrSize)...)
	}
	return out
}

const arrSize = 40

func pad(b []byte, size int) Hex {
	for len(b) < size {
		b = append(b, 0xFF)
	}
	return b
}

func blank(n int) Hex { return pad(nil, n) }

// proprietary is A5 of MF and ADF of a real card (testdata/vectors, fcp.json FCP-1).
const proprietary = "80017183040003A738870101"

func df(path, name string, fid uint16, refs ...byte) File {
	return File{Path: path, Name: name, Kind: DF, FID: fid, ARR: 0x2F06, Rule: recOpen, PINRefs: refs, Proprietary: h(proprietary)}
}

func ef(path, name string, fid uint16, sfi byte, rule byte, content Hex) File {
	arr := uint16(0x6F06)
	if path[:2] == "3F" {
		arr = 0x2F06
	}
	return File{Path: path, Name: name, Kind: Transparent, FID: fid, SFI: sfi, NoSFI: sfi == 0, ARR: arr, Rule: rule, Content: content}
}

func records(f File, kind string, size int) File {
	f.Kind, f.RecordSize = kind, size
	return f
}

func adf(aid string) File {
	f := df("ADF1", "ADF.USIM", 0x7FD0, 0x01, 0x81, 0x0A, 0x0B)
	f.AID = h(aid)
	return f
}

// mfFiles are the MF and what stands right below it.
func mfFiles(iccid string, withISIM bool) []File {
	dir := pad(h("61184F10"+usimAID+"50045553494D"), 38)
	if withISIM {
		dir = append(dir, pad(h("61184F10"+isimAID+"50044953494D"), 38)...)
	}
	dir = append(dir, blank(38)...)
	return []File{
		df("3F00", "MF", 0x3F00, 0x01, 0x0A, 0x0B),
		records(ef("3F00/2F00", "EF_DIR", 0x2F00, 0x1E, recOpen, dir), LinearFixed, 38),
		records(ef("3F00/2F06", "EF_ARR", 0x2F06, 0x06, recOpen, arrContent()), LinearFixed, arrSize),
		ef("3F00/2FE2", "EF_ICCID", 0x2FE2, 0x02, recFix, h(iccid)),
		ef("3F00/2F05", "EF_PL", 0x2F05, 0x05, recOpen, h("656EFFFFFFFF")),
	}
}

// isimFiles are an ISIM, as an application beside the USIM.
func isimFiles() []File {
	isim := df("ADF2", "ADF.ISIM", 0x7FD1, 0x01, 0x81, 0x0A, 0x0B)
	isim.AID = h(isimAID)
	return []File{isim}
}

// gsmFiles are the classic SIM tree.
func gsmFiles(imsi Hex) []File {
	return []File{
		df("3F00/7F20", "DF_GSM", 0x7F20),
		ef("3F00/7F20/6F07", "EF_IMSI", 0x6F07, 0, recIMSI, imsi),
		ef("3F00/7F20/6F7E", "EF_LOCI", 0x6F7E, 0, recPIN, h("FFFFFFFF00F1100000FF01")),
		ef("3F00/7F20/6F53", "EF_LOCIGPRS", 0x6F53, 0, recPIN, h("FFFFFFFFFFFFFF00F1100000FF01")),
		ef("3F00/7F20/6F20", "EF_Kc", 0x6F20, 0, recPIN, h("FFFFFFFFFFFFFFFF07")),
		ef("3F00/7F20/6F52", "EF_KcGPRS", 0x6F52, 0, recPIN, h("FFFFFFFFFFFFFFFF07")),
		ef("3F00/7F20/6F7B", "EF_FPLMN", 0x6F7B, 0, recPIN, blank(12)),
	}
}

// usimFiles are ADF.USIM and its files; plmn is the home network in three bytes, ad the content of EF_AD.
func usimFiles(imsi Hex, plmn, ad, ust string) []File {
	keys := "07" + hex.EncodeToString(blank(32))
	return []File{
		adf(usimAID),
		records(ef("ADF1/6F06", "EF_ARR", 0x6F06, 0x17, recOpen, arrContent()), LinearFixed, arrSize),
		ef("ADF1/6F07", "EF_IMSI", 0x6F07, 0x07, recIMSI, imsi),
		ef("ADF1/6FAD", "EF_AD", 0x6FAD, 0x03, recOpen, h(ad)),
		ef("ADF1/6F38", "EF_UST", 0x6F38, 0x04, recIMSI, h(ust)),
		ef("ADF1/6F08", "EF_Keys", 0x6F08, 0x08, recPIN, h(keys)),
		ef("ADF1/6F09", "EF_KeysPS", 0x6F09, 0x09, recPIN, h(keys)),
		ef("ADF1/6F7E", "EF_LOCI", 0x6F7E, 0x0B, recPIN, h("FFFFFFFF"+plmn+"0000FF01")),
		ef("ADF1/6F73", "EF_PSLOCI", 0x6F73, 0x0C, recPIN, h("FFFFFFFFFFFFFF"+plmn+"0000FF01")),
		ef("ADF1/6F7B", "EF_FPLMN", 0x6F7B, 0x0D, recPIN, blank(12)),
		ef("ADF1/6F78", "EF_ACC", 0x6F78, 0x06, recIMSI, h("0008")),
		ef("ADF1/6F46", "EF_SPN", 0x6F46, 0, recOpen, pad(h("0173696D62696E64"), 17)),
		records(ef("ADF1/6F40", "EF_MSISDN", 0x6F40, 0, recPIN, blank(28)), LinearFixed, 28),
		records(ef("ADF1/6FB7", "EF_ECC", 0x6FB7, 0x01, recOpen, pad(h("11F2FF"), 20)), LinearFixed, 20),
	}
}

// epsFiles exist with service 85.
func epsFiles(plmn string) []File {
	return []File{
		ef("ADF1/6FE3", "EF_EPSLOCI", 0x6FE3, 0x1E, recPIN, h("FFFFFFFFFFFFFFFFFFFFFFFF"+plmn+"000001")),
		records(ef("ADF1/6FE4", "EF_EPSNSC", 0x6FE4, 0x18, recPIN, blank(54)), LinearFixed, 54),
	}
}

// fiveGFiles exist with service 122.
func fiveGFiles(plmn string) []File {
	d := df("ADF1/5FC0", "DF_5GS", 0x5FC0)
	d.ARR = 0x2F06
	return []File{
		d,
		ef("ADF1/5FC0/4F01", "EF_5GS3GPPLOCI", 0x4F01, 0x01, recPIN, h("FFFFFFFFFFFFFFFFFFFFFFFFFF"+plmn+"00000001")),
		records(ef("ADF1/5FC0/4F03", "EF_5GS3GPPNSC", 0x4F03, 0x03, recPIN, blank(62)), LinearFixed, 62),
	}
}

// pairingFiles exist with service 102.
func pairingFiles() []File {
	return []File{
		records(ef("ADF1/6FF0", "EF_IAL", 0x6FF0, 0, recADM, blank(18)), LinearFixed, 18),
		records(ef("ADF1/6FF1", "EF_IPS", 0x6FF1, 0, recOpen, blank(16)), Cyclic, 4),
		records(ef("ADF1/6FF2", "EF_IPD", 0x6FF2, 0, recADM, blank(30)), LinearFixed, 10),
	}
}

// ust builds EF_UST of n bytes with the given services available.
func ust(n int, services ...int) string {
	b := make([]byte, n)
	for _, s := range services {
		b[(s-1)/8] |= 1 << ((s - 1) % 8)
	}
	return hex.EncodeToString(b)
}

func pins(pin1Enabled bool) []PIN {
	return []PIN{
		{Ref: 0x01, Code: h(pin1), Tries: 3, PUK: h(puk1), PUKTries: 10, Enabled: pin1Enabled},
		{Ref: 0x81, Code: h(pin2), Tries: 3, PUK: h(puk2), PUKTries: 10, Enabled: true},
		{Ref: 0x0A, Code: h(adm1), Tries: 3, Enabled: true},
	}
}

func domain(kdd string, keys ...KeySet) Domain {
	cplc := append(h("47905168"), make([]byte, 38)...)
	return Domain{AID: h(isdAID), KDD: h(kdd), CPLC: cplc, Keys: keys, Velocity: 10}
}

func scp03(kvn byte) KeySet {
	return KeySet{KVN: kvn, Protocol: 0x03, I: 0x70, ENC: h(testKey), MAC: h(testKey), DEK: h(testKey)}
}

func scp02(kvn byte) KeySet {
	return KeySet{KVN: kvn, Protocol: 0x02, I: 0x55, ENC: h(testKey), MAC: h(testKey), DEK: h(testKey)}
}

// bindingApplet is the binding applet, installed as docs/card-interface.md §2 says.
func bindingApplet(adfAID string) Applet {
	a := Applet{
		Package: h(packageAID), Module: h(instanceAID), Instance: h(instanceAID), Privileges: h("00"),
		Priority: 1, Timers: 1, Access: []AccessDomain{{Domain: h("00")}},
	}
	if adfAID != "" {
		a.Application = append(h("8110"), h(adfAID)...)
		a.Access = append(a.Access, AccessDomain{ADF: h(adfAID), Domain: h("00")})
	}
	return a
}

func join(groups ...[]File) []File {
	var out []File
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

// linked makes EF_IMSI of the USIM show the content of the one below DF_GSM, as sysmocom cards do: the
// maker's tag 9B in A5 names the path (testdata/vectors, fcp.json FCP-3).
func linked(files []File) []File {
	for n := range files {
		if f := &files[n]; f.Path == "ADF1/6F07" {
			f.Link, f.Content = "3F00/7F20/6F07", nil
			f.Proprietary = h("C001009B063F007F206F07CA0180")
		}
	}
	return files
}

const (
	plmn00101  = "00F110"
	plmn001001 = "001100"
)

// images are made anew at every call, so that nobody changes another's.
func images() []Image {
	imsi2 := h("080910100000214365") // 001010000123456, MNC of 2 digits
	imsi3 := h("080910000110325476") // 001001001234567, MNC of 3 digits
	modern := []int{17, 19, 21, 27, 33, 38, 85, 122}
	return []Image{
		{
			Name: "usim-linked", Description: "USIM with 5G files; its EF_IMSI is the one of DF_GSM; MNC of 2 digits; T=1; SCP03",
			ATR: h(atrT1), PINs: pins(false), Domain: domain("00000000000000000A01", scp03(0x30)), Platform: platformR11(),
			Files: join(mfFiles("988812010000400310F0", true), gsmFiles(imsi2),
				linked(usimFiles(nil, plmn00101, "00000002", ust(17, append(modern, 102)...))), epsFiles(plmn00101), fiveGFiles(plmn00101), pairingFiles(), isimFiles()),
			Applets: []Applet{bindingApplet(usimAID)},
		},
		{
			Name: "usim-separate", Description: "USIM and DF_GSM with an EF_IMSI each; MNC of 3 digits; PIN1 enabled (1234); T=0; SCP02",
			ATR: h(atrT0), PINs: pins(true), Domain: domain("00000000000000000A02", scp02(0x20)), Platform: platformR6(),
			Files: join(mfFiles("988812010000407643F3", false), gsmFiles(imsi3),
				usimFiles(imsi3, plmn001001, "00000003", ust(11, 17, 19, 21, 27, 33, 38))),
			Applets: []Applet{bindingApplet(usimAID)},
		},
		{
			Name: "usim-only", Description: "USIM without DF_GSM; T=0; SCP03",
			ATR: h(atrT0), PINs: pins(false), Domain: domain("00000000000000000A03", scp03(0x30)), Platform: platformR11(),
			Files: join(mfFiles("988812310203000020F8", false),
				usimFiles(imsi2, plmn00101, "00000002", ust(17, 17, 19, 21, 27, 33, 38, 85)), epsFiles(plmn00101)),
			Applets: []Applet{bindingApplet(usimAID)},
		},
		{
			Name: "usim-supi", Description: "USIM with UST service 130: the SUPI is no IMSI and EF_IMSI is absent; T=0; SCP03",
			ATR: h(atrT0), PINs: pins(false), Domain: domain("00000000000000000A04", scp03(0x30)), Platform: platformR11(),
			Files: without("ADF1/6F07", join(mfFiles("988812010000500380F2", false),
				usimFiles(imsi2, plmn00101, "00000002", ust(17, append(modern, 130)...)), epsFiles(plmn00101), fiveGFiles(plmn00101))),
			Applets: []Applet{bindingApplet(usimAID)},
		},
		{
			Name: "no-applet", Description: "USIM as it comes from the maker, without the binding applet; T=0; SCP02",
			ATR: h(atrT0), PINs: pins(false), Domain: domain("00000000000000000A05", scp02(0x20)), Platform: platformR6(),
			Files: join(mfFiles("98881201000050038011", false), gsmFiles(imsi2),
				usimFiles(imsi2, plmn00101, "00000002", ust(17, 17, 19, 21, 27, 33, 38, 85)), epsFiles(plmn00101)),
		},
		{
			Name: "no-applet-t1", Description: "USIM as it comes from the maker, without the binding applet; T=1; SCP03",
			ATR: h(atrT1), PINs: pins(false), Domain: domain("00000000000000000A06", scp03(0x30)), Platform: platformR11(),
			Files: join(mfFiles("98881201000050038092", false),
				usimFiles(imsi2, plmn00101, "00000002", ust(17, modern...)), epsFiles(plmn00101), fiveGFiles(plmn00101)),
		},
	}
}

func without(path string, files []File) []File {
	var out []File
	for _, f := range files {
		if f.Path != path {
			out = append(out, f)
		}
	}
	return out
}
