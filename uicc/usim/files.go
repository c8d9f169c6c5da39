package usim

import (
	"context"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/uicc"
)

// File is one row of the file table.
type File struct {
	Name    string
	Path    uicc.Path // from MF, or from 7FFF for files of ADF.USIM; ends with FID
	FID     uicc.FID
	SFI     uicc.SFI // 0: none
	Shape   uicc.Structure
	Size    int    // bytes of a transparent file or of a record; 0: differs from card to card
	Clause  string // of TS 31.102, or of the document it names
	Service int    // of EF_UST; 0: depends on none
	Codec
}

// Codec reads and writes the content of a transparent file, or of one record.
type Codec struct {
	Decode func([]byte) (any, error)
	Encode func(any) ([]byte, error) // of what Decode gives; nil: this tool never writes it
	// Pristine is the content before personalisation (annex E) for a size; nil: the annex leaves it to the issuer.
	Pristine func(plmn [3]byte, size int) []byte
}

var (
	adf = uicc.Path{uicc.CurrentADF}
	mf  = uicc.Path{uicc.MF}
	gsm = uicc.Path{uicc.MF, uicc.DFGSM}
	d5g = uicc.Path{uicc.CurrentADF, uicc.DF5GS}
)

func file(name string, in uicc.Path, fid uicc.FID, sfi uicc.SFI, shape uicc.Structure, size int, clause string, service int, codec Codec) File {
	path := append(append(uicc.Path{}, in...), fid)
	return File{name, path, fid, sfi, shape, size, clause, service, codec}
}

const (
	transparent = uicc.Transparent
	linear      = uicc.LinearFixed
	cyclic      = uicc.Cyclic
)

// The files this tool touches (TS 31.102; MF files of TS 102 221, DF_GSM files of TS 51.011).
var (
	EFDIR   = file("EF_DIR", mf, 0x2F00, 0x1E, linear, 0, "TS 102 221 13.1", 0, codecDIR)
	EFICCID = file("EF_ICCID", mf, 0x2FE2, 0x02, transparent, 10, "TS 102 221 13.2", 0, codecICCID)
	EFPL    = file("EF_PL", mf, 0x2F05, 0x05, transparent, 0, "TS 102 221 13.3", 0, codecPL)
	EFARR   = file("EF_ARR", mf, 0x2F06, 0x06, linear, 0, "TS 102 221 13.4", 0, codecARR)

	EFIMSI   = file("EF_IMSI", adf, 0x6F07, 0x07, transparent, 9, "4.2.2", 0, codecIMSI)
	EFKeys   = file("EF_Keys", adf, 0x6F08, 0x08, transparent, 33, "4.2.3", 0, codecKeys)
	EFKeysPS = file("EF_KeysPS", adf, 0x6F09, 0x09, transparent, 33, "4.2.4", 0, codecKeys)
	EFUST    = file("EF_UST", adf, 0x6F38, 0x04, transparent, 0, "4.2.8", 0, codecUST)
	EFEST    = file("EF_EST", adf, 0x6F56, 0x05, transparent, 0, "4.2.47", ServiceFDN, codecEST)
	EFSPN    = file("EF_SPN", adf, 0x6F46, 0, transparent, 17, "4.2.12", ServiceSPN, codecSPN)
	EFACC    = file("EF_ACC", adf, 0x6F78, 0x06, transparent, 2, "4.2.15", 0, codecACC)
	EFFPLMN  = file("EF_FPLMN", adf, 0x6F7B, 0x0D, transparent, 0, "4.2.16", 0, codecFPLMN)
	EFLOCI   = file("EF_LOCI", adf, 0x6F7E, 0x0B, transparent, 11, "4.2.17", 0, shapeLOCI.codec())
	EFAD     = file("EF_AD", adf, 0x6FAD, 0x03, transparent, 0, "4.2.18", 0, codecAD)
	EFPSLOCI = file("EF_PSLOCI", adf, 0x6F73, 0x0C, transparent, 14, "4.2.23", 0, shapePSLOCI.codec())
	EFMSISDN = file("EF_MSISDN", adf, 0x6F40, 0, linear, 0, "4.2.26", ServiceMSISDN, codecMSISDN)

	EFEPSLOCI = file("EF_EPSLOCI", adf, 0x6FE3, 0x1E, transparent, 18, "4.2.91", ServiceEMM, shapeEPSLOCI.codec())
	EFEPSNSC  = file("EF_EPSNSC", adf, 0x6FE4, 0x18, linear, 0, "4.2.92", ServiceEMM, codecNSC)

	EFIAL = file("EF_IAL", adf, 0x6FF0, 0, linear, 0, "4.2.100", ServicePairing, codecIAL)
	EFIPS = file("EF_IPS", adf, 0x6FF1, 0, cyclic, 4, "4.2.101", ServicePairing, codecIPS)
	EFIPD = file("EF_IPD", adf, 0x6FF2, 0, linear, 0, "4.2.102", ServicePairing, codecIPD)

	EF5GS3GPPLOCI  = file("EF_5GS3GPPLOCI", d5g, 0x4F01, 0x01, transparent, 20, "4.4.11.2", Service5GSMM, shape5GSLOCI.codec())
	EF5GSN3GPPLOCI = file("EF_5GSN3GPPLOCI", d5g, 0x4F02, 0x02, transparent, 20, "4.4.11.3", Service5GSMM, shape5GSN3GPPLOCI.codec())
	EF5GS3GPPNSC   = file("EF_5GS3GPPNSC", d5g, 0x4F03, 0x03, linear, 0, "4.4.11.4", Service5GSMM, codecNSC)
	EF5GSN3GPPNSC  = file("EF_5GSN3GPPNSC", d5g, 0x4F04, 0x04, linear, 0, "4.4.11.5", Service5GSMM, codecNSC)

	GSMIMSI     = file("EF_IMSI of DF_GSM", gsm, 0x6F07, 0, transparent, 9, "TS 51.011 10.3.2", 0, codecIMSI)
	GSMKc       = file("EF_Kc of DF_GSM", gsm, 0x6F20, 0, transparent, 9, "TS 51.011 10.3.3", 0, codecKc)
	GSMKcGPRS   = file("EF_KcGPRS of DF_GSM", gsm, 0x6F52, 0, transparent, 9, "TS 51.011 10.3.32", 0, codecKc)
	GSMLOCIGPRS = file("EF_LOCIGPRS of DF_GSM", gsm, 0x6F53, 0, transparent, 14, "TS 51.011 10.3.33", 0, shapeLOCIGPRS.codec())
	GSMFPLMN    = file("EF_FPLMN of DF_GSM", gsm, 0x6F7B, 0, transparent, 12, "TS 51.011 10.3.16", 0, codecFPLMN)
	GSMLOCI     = file("EF_LOCI of DF_GSM", gsm, 0x6F7E, 0, transparent, 11, "TS 51.011 10.3.17", 0, shapeGSMLOCI.codec())
	GSMAD       = file("EF_AD of DF_GSM", gsm, 0x6FAD, 0, transparent, 0, "TS 51.011 10.3.18", 0, codecAD)
)

// Files is the whole table.
var Files = []File{
	EFDIR, EFICCID, EFPL, EFARR, EFIMSI, EFKeys, EFKeysPS, EFUST, EFEST, EFSPN, EFACC, EFFPLMN, EFLOCI, EFAD, EFPSLOCI, EFMSISDN,
	EFEPSLOCI, EFEPSNSC, EFIAL, EFIPS, EFIPD, EF5GS3GPPLOCI, EF5GSN3GPPLOCI, EF5GS3GPPNSC, EF5GSN3GPPNSC,
	GSMIMSI, GSMKc, GSMKcGPRS, GSMLOCIGPRS, GSMFPLMN, GSMLOCI, GSMAD,
}

// FileAt finds the row of a path, which begins with 3F00 or 7FFF.
func FileAt(p uicc.Path) (File, bool) {
	for _, f := range Files {
		if f.Path.Equal(p) {
			return f, true
		}
	}
	return File{}, false
}

// usimPrefix is the RID of 3GPP and the application code of a USIM (TS 101 220 annex E).
const usimPrefix = "\xA0\x00\x00\x00\x87\x10\x02"

// Prefix is the head of every USIM's AID, 7 bytes.
func Prefix() []byte { return []byte(usimPrefix) }

// IsUSIM tells a USIM by the head of its AID.
func IsUSIM(aid []byte) bool { return strings.HasPrefix(string(aid), usimPrefix) }

// FindUSIM gives the full AID of the first USIM of EF_DIR, nil when there is none; the MF is selected before.
func FindUSIM(ctx context.Context, t apdu.Transmitter) ([]byte, error) {
	if _, err := uicc.SelectFile(ctx, t, "MF", uicc.MF); err != nil {
		return nil, err
	}
	apps, err := uicc.ReadDIR(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		if IsUSIM(a.AID) {
			return a.AID, nil
		}
	}
	return nil, nil
}
