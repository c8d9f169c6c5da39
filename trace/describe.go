package trace

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/simbind/simbind/apdu"
)

// names of instructions; those with two meanings are told apart by class.
var names = map[byte]string{
	apdu.INSSelect: "SELECT", apdu.INSReadBinary: "READ BINARY", apdu.INSUpdateBinary: "UPDATE BINARY", apdu.INSReadRecord: "READ RECORD",
	apdu.INSUpdateRecord: "UPDATE RECORD", apdu.INSSearchRecord: "SEARCH RECORD", apdu.INSIncrease: "INCREASE", apdu.INSVerifyPIN: "VERIFY",
	apdu.INSChangePIN: "CHANGE PIN", apdu.INSDisablePIN: "DISABLE PIN", apdu.INSEnablePIN: "ENABLE PIN", apdu.INSUnblockPIN: "UNBLOCK PIN",
	apdu.INSActivateFile: "ACTIVATE FILE", apdu.INSDeactivateFile: "DEACTIVATE FILE", apdu.INSAuthenticate: "AUTHENTICATE", apdu.INSManageChannel: "MANAGE CHANNEL",
	apdu.INSGetChallenge: "GET CHALLENGE", apdu.INSTerminalCapability: "TERMINAL CAPABILITY", apdu.INSGetResponse: "GET RESPONSE", apdu.INSTerminalProfile: "TERMINAL PROFILE",
	apdu.INSEnvelope: "ENVELOPE", apdu.INSFetch: "FETCH", apdu.INSTerminalResponse: "TERMINAL RESPONSE", apdu.INSInitializeUpdate: "INITIALIZE UPDATE",
	apdu.INSExternalAuth: "EXTERNAL AUTHENTICATE", apdu.INSGetData: "GET DATA", apdu.INSStoreData: "STORE DATA", apdu.INSPutKey: "PUT KEY",
	apdu.INSDelete: "DELETE", apdu.INSInstall: "INSTALL", apdu.INSLoad: "LOAD", apdu.INSSetStatus: "SET STATUS", apdu.INSSuspendUICC: "SUSPEND UICC",
}

// fileNames are the files a person meets most, by identifier.
var fileNames = map[uint16]string{
	0x3F00: "MF", 0x2F00: "EF_DIR", 0x2FE2: "EF_ICCID", 0x2F05: "EF_PL", 0x2F06: "EF_ARR", 0x7F20: "DF_GSM", 0x7F10: "DF_TELECOM", 0x7FFF: "ADF",
	0x6F07: "EF_IMSI", 0x6FAD: "EF_AD", 0x6F38: "EF_UST", 0x6F06: "EF_ARR", 0x6F7E: "EF_LOCI", 0x6F73: "EF_PSLOCI", 0x6FE3: "EF_EPSLOCI", 0x5FC0: "DF_5GS",
	0x4F01: "EF_5GS3GPPLOCI", 0x6F08: "EF_Keys", 0x6F09: "EF_KeysPS", 0x6F7B: "EF_FPLMN", 0x6FE4: "EF_EPSNSC", 0x6FF0: "EF_IAL", 0x6FF1: "EF_IPS", 0x6FF2: "EF_IPD",
}

// Name says what a command is: "SELECT EF_IMSI", "READ BINARY SFI 07", "GET DATA E1".
func Name(c apdu.Command) string {
	name, ok := names[c.INS]
	switch {
	case c.INS == apdu.INSStatus && len(c.Data) > 0:
		return fmt.Sprintf("GET STATUS %02X", c.P1)
	case c.INS == apdu.INSStatus:
		return "STATUS"
	case !ok:
		return fmt.Sprintf("INS %02X", c.INS)
	}
	return name + object(c)
}

func object(c apdu.Command) string {
	n := len(c.Data)
	switch c.INS {
	case apdu.INSSelect:
		if c.P1 == 0x04 {
			return fmt.Sprintf(" AID %X", c.Data)
		}
		if n >= 2 {
			return " " + fileName(uint16(c.Data[n-2])<<8|uint16(c.Data[n-1]))
		}
	case apdu.INSReadBinary, apdu.INSUpdateBinary:
		if c.P1&0x80 != 0 {
			return fmt.Sprintf(" SFI %02X", c.P1&0x1F)
		}
		return fmt.Sprintf(" offset %d", int(c.P1)<<8|int(c.P2))
	case apdu.INSReadRecord, apdu.INSUpdateRecord:
		return fmt.Sprintf(" %d", c.P1)
	case apdu.INSVerifyPIN, apdu.INSChangePIN, apdu.INSUnblockPIN:
		if n == 0 {
			return fmt.Sprintf(" %02X (counter)", c.P2)
		}
		return fmt.Sprintf(" %02X", c.P2)
	case apdu.INSGetData:
		return fmt.Sprintf(" %02X", c.P2)
	}
	return ""
}

func fileName(fid uint16) string {
	if n, ok := fileNames[fid]; ok {
		return n
	}
	return fmt.Sprintf("%04X", fid)
}

// Described is an exchange with its words.
type Described struct {
	Exchange
	Words []string
}

// Describe names every command and status word. Masked data is counted as it was.
func (t Transcript) Describe() []Described {
	var out []Described
	for _, x := range t.Exchanges {
		d := Described{Exchange: x}
		if c, err := unmask(x.Command); err == nil {
			d.Words = append(d.Words, Name(c))
		} else {
			d.Words = append(d.Words, "no command: "+err.Error())
		}
		d.Words = append(d.Words, answer(x.Response))
		out = append(out, d)
	}
	return out
}

// unmask rebuilds a command whose data is masked, with zeros in its place.
func unmask(s string) (apdu.Command, error) {
	for strings.Contains(s, "[") {
		before, rest, _ := strings.Cut(s, "[")
		size, after, ok := strings.Cut(rest, "]")
		n, err := strconv.Atoi(strings.TrimSuffix(size, " BYTES"))
		if !ok || err != nil || n < 0 || n > apdu.MaxData {
			return apdu.Command{}, fmt.Errorf("%w: mask", ErrTranscript)
		}
		s = before + strings.Repeat("00", n) + after
	}
	raw, err := hex.DecodeString(s)
	if err != nil {
		return apdu.Command{}, err
	}
	return apdu.Parse(raw)
}

func answer(response string) string {
	if len(response) < 4 {
		return "no answer"
	}
	raw, err := hex.DecodeString(response[len(response)-4:])
	if err != nil {
		return "no answer"
	}
	sw := apdu.SW(raw[0])<<8 | apdu.SW(raw[1])
	if n, ok := sw.Proactive(); ok {
		return fmt.Sprintf("%s: done, a proactive command of %d bytes waits", sw.String(), n)
	}
	return sw.Error()
}
