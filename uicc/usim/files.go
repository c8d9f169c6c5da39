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
	Path    uicc.Path // from MF, or from 7FFF for files of ADF.USIM
	FID     uicc.FID
	SFI     uicc.SFI // 0: none
	Shape   uicc.Structure
	Size    int    // bytes of a transparent file or of a record; 0: differs
	Clause  string // of TS 31.102, or as it says
	Service int    // of EF_UST; 0: always there
	Decode  func([]byte) (any, error)
}

var (
	adf = uicc.Path{uicc.CurrentADF}
	mf  = uicc.Path{uicc.MF}
	gsm = uicc.Path{uicc.MF, uicc.DFGSM}
	d5g = uicc.Path{uicc.CurrentADF, uicc.DF5GS}
)

func file(name string, in uicc.Path, fid uicc.FID, sfi uicc.SFI, shape uicc.Structure, size int, clause string, service int, decode func([]byte) (any, error)) File {
	path := append(append(uicc.Path{}, in...), fid)
	return File{name, path, fid, sfi, shape, size, clause, service, decode}
}

// The files this tool touches (TS 31.102; MF files of TS 102 221, DF_GSM files of TS 51.011).
var (
	EFDIR         = file("EF_DIR", mf, 0x2F00, 0x1E, uicc.LinearFixed, 0, "TS 102 221 13.1", 0, decodeDIR)
	EFICCID       = file("EF_ICCID", mf, 0x2FE2, 0x02, uicc.Transparent, 10, "TS 102 221 13.2", 0, decodeICCID)
	EFPL          = file("EF_PL", mf, 0x2F05, 0x05, uicc.Transparent, 0, "TS 102 221 13.3", 0, decodeRaw)
	EFARR         = file("EF_ARR", mf, 0x2F06, 0x06, uicc.LinearFixed, 0, "TS 102 221 13.4", 0, decodeARR)
	EFIMSI        = file("EF_IMSI", adf, 0x6F07, 0x07, uicc.Transparent, 9, "4.2.2", 0, decodeIMSI)
	EFAD          = file("EF_AD", adf, 0x6FAD, 0x03, uicc.Transparent, 0, "4.2.18", 0, decodeAD)
	EFUST         = file("EF_UST", adf, 0x6F38, 0x04, uicc.Transparent, 0, "4.2.8", 0, decodeUST)
	EFKeys        = file("EF_Keys", adf, 0x6F08, 0x08, uicc.Transparent, 33, "4.2.3", 0, decodeKeys)
	EFKeysPS      = file("EF_KeysPS", adf, 0x6F09, 0x09, uicc.Transparent, 33, "4.2.4", 0, decodeKeys)
	EFLOCI        = file("EF_LOCI", adf, 0x6F7E, 0x0B, uicc.Transparent, 11, "4.2.17", 0, decodeLOCI)
	EFPSLOCI      = file("EF_PSLOCI", adf, 0x6F73, 0x0C, uicc.Transparent, 14, "4.2.23", 0, decodePSLOCI)
	EFFPLMN       = file("EF_FPLMN", adf, 0x6F7B, 0x0D, uicc.Transparent, 0, "4.2.16", 0, decodeFPLMN)
	EFACC         = file("EF_ACC", adf, 0x6F78, 0x06, uicc.Transparent, 2, "4.2.15", 0, decodeACC)
	EFSPN         = file("EF_SPN", adf, 0x6F46, 0, uicc.Transparent, 17, "4.2.12", 19, decodeSPN)
	EFMSISDN      = file("EF_MSISDN", adf, 0x6F40, 0, uicc.LinearFixed, 0, "4.2.26", 21, decodeMSISDN)
	EFEPSLOCI     = file("EF_EPSLOCI", adf, 0x6FE3, 0x1E, uicc.Transparent, 18, "4.2.91", ServiceEMM, decodeEPSLOCI)
	EFEPSNSC      = file("EF_EPSNSC", adf, 0x6FE4, 0x18, uicc.LinearFixed, 0, "4.2.92", ServiceEMM, decodeNSC)
	EF5GS3GPPLOCI = file("EF_5GS3GPPLOCI", d5g, 0x4F01, 0x01, uicc.Transparent, 20, "4.4.11.2", Service5GSMM, decode5GSLOCI)
	EFIAL         = file("EF_IAL", adf, 0x6FF0, 0, uicc.LinearFixed, 0, "4.2.100", ServicePairing, decodeIAL)
	EFIPS         = file("EF_IPS", adf, 0x6FF1, 0, uicc.Cyclic, 4, "4.2.101", ServicePairing, decodeIPS)
	EFIPD         = file("EF_IPD", adf, 0x6FF2, 0, uicc.LinearFixed, 0, "4.2.102", ServicePairing, decodeIPD)
	GSMIMSI       = file("EF_IMSI of DF_GSM", gsm, 0x6F07, 0, uicc.Transparent, 9, "TS 51.011 10.3.2", 0, decodeIMSI)
	GSMLOCI       = file("EF_LOCI of DF_GSM", gsm, 0x6F7E, 0, uicc.Transparent, 11, "TS 51.011 10.3.17", 0, decodeLOCI)
)

// Files is the whole table.
var Files = []File{
	EFDIR, EFICCID, EFPL, EFARR, EFIMSI, EFAD, EFUST, EFKeys, EFKeysPS, EFLOCI, EFPSLOCI, EFFPLMN, EFACC, EFSPN, EFMSISDN,
	EFEPSLOCI, EFEPSNSC, EF5GS3GPPLOCI, EFIAL, EFIPS, EFIPD, GSMIMSI, GSMLOCI,
}

// Services of EF_UST that this tool acts on (clause 4.2.8).
const (
	ServiceEMM         = 85  // EPS mobility management information
	ServicePairing     = 102 // USAT application pairing
	Service5GSMM       = 122 // 5GS mobility management information
	ServiceSUCI        = 124 // subscription identifier privacy
	ServiceSUCIByUSIM  = 125 // SUCI calculated by the USIM
	ServiceNonIMSISUPI = 130 // SUPI of type NSI, GLI or GCI: EF_IMSI is absent
)

// Services is the content of EF_UST: service n is bit (n-1)%8+1 of byte (n-1)/8+1.
type Services []byte

// Available tells whether service n, from 1, is available.
func (s Services) Available(n int) bool {
	i := (n - 1) / 8
	return n > 0 && i < len(s) && s[i]&(1<<((n-1)%8)) != 0
}

// usimPrefix is the RID of 3GPP and the application code of a USIM (TS 101 220 annex E).
const usimPrefix = "\xA0\x00\x00\x00\x87\x10\x02"

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
