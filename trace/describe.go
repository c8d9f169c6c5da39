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
	insAuthenticateOdd: "AUTHENTICATE", insGetIdentity: "GET IDENTITY", insRetrieveData: "RETRIEVE DATA", insSetData: "SET DATA",
	apdu.INSManageSecureChannel: "MANAGE SECURE CHANNEL", 0xE0: "CREATE FILE", 0xD4: "RESIZE FILE", 0xFE: "TERMINATE CARD USAGE", 0xE9: "TERMINATE EF",
	apdu.INSDelete: "DELETE", apdu.INSInstall: "INSTALL", apdu.INSLoad: "LOAD", apdu.INSSetStatus: "SET STATUS", apdu.INSSuspendUICC: "SUSPEND UICC",
}

// fileNames are the files a person meets most, by identifier.
var fileNames = map[uint16]string{
	0x3F00: "MF", 0x2F00: "EF_DIR", 0x2FE2: "EF_ICCID", 0x2F05: "EF_PL", 0x2F06: "EF_ARR", 0x7F20: "DF_GSM", 0x7F10: "DF_TELECOM", 0x7FFF: "ADF",
	0x6F07: "EF_IMSI", 0x6FAD: "EF_AD", 0x6F38: "EF_UST", 0x6F06: "EF_ARR", 0x6F7E: "EF_LOCI", 0x6F73: "EF_PSLOCI", 0x6FE3: "EF_EPSLOCI", 0x5FC0: "DF_5GS",
	0x4F01: "EF_5GS3GPPLOCI", 0x6F08: "EF_Keys", 0x6F09: "EF_KeysPS", 0x6F7B: "EF_FPLMN", 0x6FE4: "EF_EPSNSC", 0x6FF0: "EF_IAL", 0x6FF1: "EF_IPS", 0x6FF2: "EF_IPD",
}

// registryKinds are what GET STATUS and SET STATUS are about, by P1 (GPCS clause 11.4.2.1).
var registryKinds = map[byte]string{0x80: "security domain", 0x60: "application with its domain", 0x40: "applications", 0x20: "load files", 0x10: "load files and modules"}

// installKinds are what INSTALL is for, by P1 (GPCS clause 11.5.2.1).
var installKinds = map[byte]string{
	0x02: "for load", 0x04: "for install", 0x08: "for make selectable", 0x0C: "for install and make selectable", 0x10: "for extradition",
	0x20: "for personalization", 0x40: "for registry update",
}

// Name says what a command is: "SELECT EF_IMSI", "READ BINARY SFI 07", "GET DATA E1".
func Name(c apdu.Command) string {
	name, ok := names[c.INS]
	switch {
	case c.INS == apdu.INSStatus && len(c.Data) > 0:
		name, ok = fmt.Sprintf("GET STATUS %02X", c.P1)+words(registryKinds, c.P1&0xF0), true
	case c.INS == apdu.INSStatus:
		name, ok = "STATUS", true
	}
	if !ok {
		return fmt.Sprintf("INS %02X", c.INS)
	}
	return name + object(c) + channel(c.CLA)
}

func words(table map[byte]string, key byte) string {
	if w, ok := table[key]; ok {
		return " (" + w + ")"
	}
	return ""
}

// channel is told when it is not the basic one, secure messaging when it is used.
func channel(cla byte) string {
	out := ""
	if cla == 0xA0 {
		return " (class A0)"
	}
	if n := apdu.Channel(cla); n > 0 {
		out += fmt.Sprintf(" on channel %d", n)
	}
	if apdu.SecureMessaging(cla) {
		out += ", secured"
	}
	return out
}

func object(c apdu.Command) string {
	switch c.INS {
	case apdu.INSSelect:
		return selected(c)
	case apdu.INSReadBinary, apdu.INSUpdateBinary:
		if c.P1&0x80 != 0 {
			return fmt.Sprintf(" SFI %02X", c.P1&0x1F)
		}
		return fmt.Sprintf(" offset %d", int(c.P1)<<8|int(c.P2))
	case apdu.INSReadRecord, apdu.INSUpdateRecord, apdu.INSSearchRecord:
		return recordOf(c)
	case apdu.INSVerifyPIN, apdu.INSChangePIN, apdu.INSDisablePIN, apdu.INSEnablePIN, apdu.INSUnblockPIN:
		if len(c.Data) == 0 {
			return fmt.Sprintf(" %02X (counter)", c.P2)
		}
		return fmt.Sprintf(" %02X", c.P2)
	case apdu.INSGetData:
		return dataObject(c)
	case apdu.INSInstall:
		return words(installKinds, c.P1&0x7E)
	case apdu.INSSetStatus:
		return words(registryKinds, c.P1&0xF0)
	case apdu.INSStoreData, apdu.INSLoad:
		return fmt.Sprintf(" block %d", c.P2)
	case apdu.INSManageChannel:
		return map[bool]string{true: " (close)", false: " (open)"}[c.P1&0x80 != 0]
	}
	return ""
}

func selected(c apdu.Command) string {
	n := len(c.Data)
	switch {
	case c.P1 == 0x04 && n == 0:
		return " the default application"
	case c.P1 == 0x04:
		return fmt.Sprintf(" AID %X", c.Data)
	case c.P1 == 0x03 && n == 0:
		return " parent"
	case n == 0:
		return " MF"
	case n == 1:
		return ""
	}
	return " " + FileName(uint16(c.Data[n-2])<<8|uint16(c.Data[n-1]))
}

func recordOf(c apdu.Command) string {
	out := fmt.Sprintf(" %d", c.P1)
	if sfi := c.P2 >> 3; sfi != 0 {
		out += fmt.Sprintf(" SFI %02X", sfi)
	}
	return out
}

// dataObject: P1P2 is a tag; the objects of the binding applet come in parts, which P1 counts (card interface §3).
func dataObject(c apdu.Command) string {
	switch {
	case c.P1 == 0:
		return fmt.Sprintf(" %02X", c.P2)
	case c.P1 <= 0x0F && (c.P2 == 0xE0 || c.P2 == 0xE1 || c.P2 == 0xE4):
		return fmt.Sprintf(" %02X part %d", c.P2, c.P1)
	}
	return fmt.Sprintf(" %02X%02X", c.P1, c.P2)
}

// FileName names a file by its identifier; one without a name is its four digits.
func FileName(fid uint16) string {
	if n, ok := fileNames[fid]; ok {
		return n
	}
	return fmt.Sprintf("%04X", fid)
}

// Masked tells whether something of the exchange is masked.
func (x Exchange) Masked() bool { return strings.Contains(x.Command+x.Response, "[") }

// Sent is the command. Masked bytes are zeros in it; hidden tells that there are some.
func (x Exchange) Sent() (c apdu.Command, hidden bool, err error) {
	raw, hidden, err := unmask(x.Command)
	if err != nil {
		return c, hidden, err
	}
	c, err = apdu.Parse(raw)
	return c, hidden, err
}

// Got is the answer, masked bytes as zeros; ErrTranscript when there is none.
func (x Exchange) Got() (r apdu.Response, hidden bool, err error) {
	raw, hidden, err := unmask(x.Response)
	if err != nil {
		return r, hidden, err
	}
	if len(raw) < 2 {
		return r, hidden, fmt.Errorf("%w line %d: no answer", ErrTranscript, x.Line)
	}
	r, err = apdu.ParseResponse(raw)
	return r, hidden, err
}

// maxMasked is more than an APDU can hold, in bytes.
const maxMasked = 2 * apdu.MaxData

// unmask turns hex with masks into bytes, zeros in place of what is masked.
func unmask(s string) (raw []byte, hidden bool, err error) {
	total := 0
	plain := maskForm.ReplaceAllStringFunc(s, func(m string) string {
		n, _ := strconv.Atoi(maskForm.FindStringSubmatch(m)[1]) // five digits at most
		if total += n; total > maxMasked {
			return "?"
		}
		return strings.Repeat("00", n)
	})
	raw, err = hex.DecodeString(plain)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrTranscript, err)
	}
	return raw, total > 0, err
}
