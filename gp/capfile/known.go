package capfile

import "fmt"

// known are the packages of the platform a UICC applet can import: Java Card, TS 102 241, TS 31.130, TS 43.019, GlobalPlatform.
var known = map[string]string{
	"A0000000620001":                   "java.lang",
	"A0000000620101":                   "javacard.framework",
	"A0000000620102":                   "javacard.security",
	"A0000000620201":                   "javacardx.crypto",
	"A00000015100":                     "org.globalplatform",
	"A0000000090005FFFFFFFF8911000000": "uicc.access",
	"A0000000090005FFFFFFFF8911010000": "uicc.access.fileadministration",
	"A0000000090005FFFFFFFF8911020000": "uicc.access.bertlvfile",
	"A0000000090005FFFFFFFF8912000000": "uicc.toolkit",
	"A0000000090005FFFFFFFF8913000000": "uicc.system",
	"A0000000871005FFFFFFFF8913100000": "uicc.usim.access",
	"A0000000871005FFFFFFFF8913200000": "uicc.usim.toolkit",
	"A0000000871005FFFFFFFF8913300000": "uicc.usim.geolocation",
	"A0000000871005FFFFFFFF8913400000": "uicc.usim.suci",
	"A0000000871005FFFFFFFF8914100000": "uicc.isim.access",
	"A0000000090003FFFFFFFF8910710001": "sim.access",
	"A0000000090003FFFFFFFF8910710002": "sim.toolkit",
}

// Known names a package of the platform by its AID.
func Known(aid []byte) (name string, ok bool) {
	name, ok = known[fmt.Sprintf("%X", aid)]
	return name, ok
}
