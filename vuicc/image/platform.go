package image

// Package is a package of the card's own by name and version: what a load file may be linked against.
type Package struct {
	AID          Hex // 5 to 16 bytes
	Major, Minor byte
}

// Heads of package AIDs: Java Card API; TS 102 241, TS 31.130 and TS 43.019, each annex on package AIDs; GPCS annex A.
const (
	ridJava = "A0000000620"
	pixUICC = "A0000000090005FFFFFFFF89"
	pixUSIM = "A0000000871005FFFFFFFF89"
	pixSIM  = "A0000000090003FFFFFFFF8910710"
	aidGP   = "A00000015100"
)

func pkg(aid string, major, minor byte) Package { return Package{h(aid), major, minor} }

// platformR6 is Java Card 2.2.1 with the UICC interface of release 6, beside that of GSM cards, and GlobalPlatform 2.1.1.
func platformR6() []Package {
	return []Package{
		pkg(ridJava+"001", 1, 0),      // java.lang
		pkg(ridJava+"101", 1, 2),      // javacard.framework
		pkg(ridJava+"102", 1, 2),      // javacard.security
		pkg(ridJava+"201", 1, 2),      // javacardx.crypto
		pkg(pixSIM+"001", 2, 2),       // sim.access
		pkg(pixSIM+"002", 2, 6),       // sim.toolkit
		pkg(pixUICC+"11000000", 1, 0), // uicc.access
		pkg(pixUICC+"12000000", 1, 0), // uicc.toolkit
		pkg(pixUICC+"13000000", 1, 0), // uicc.system
		pkg(pixUSIM+"13100000", 1, 0), // uicc.usim.access
		pkg(pixUSIM+"13200000", 1, 0), // uicc.usim.toolkit
		pkg(aidGP, 1, 0),              // org.globalplatform
	}
}

// platformR11 is Java Card 3.0.4 with the UICC interface of release 11 and GlobalPlatform 2.2.1.
func platformR11() []Package {
	return []Package{
		pkg(ridJava+"001", 1, 0),
		pkg(ridJava+"101", 1, 5),
		pkg(ridJava+"102", 1, 5),
		pkg(ridJava+"201", 1, 5),
		pkg(pixUICC+"11000000", 1, 2),
		pkg(pixUICC+"11010000", 1, 0), // uicc.access.fileadministration
		pkg(pixUICC+"11020000", 1, 0), // uicc.access.bertlvfile
		pkg(pixUICC+"12000000", 1, 7),
		pkg(pixUICC+"13000000", 1, 1),
		pkg(pixUSIM+"13100000", 1, 4),
		pkg(pixUSIM+"13200000", 1, 9),
		pkg(aidGP, 1, 5),
	}
}
