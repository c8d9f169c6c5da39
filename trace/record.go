package trace

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/simbind/simbind/apdu"
)

// Options of a recording.
type Options struct {
	Reveal bool // identities stand in clear; codes and keys never do
}

// Record writes every exchange to w as a transcript and passes it on. When w fails the conversation goes on.
func Record(t apdu.Transmitter, w io.Writer, opt Options) apdu.Transmitter {
	m := &masker{reveal: opt.Reveal}
	return apdu.TransmitterFunc(func(ctx context.Context, c apdu.Command) (apdu.Response, error) {
		r, err := t.Transmit(ctx, c)
		command, response := m.exchange(c, r)
		if err != nil {
			response = ""
		}
		fmt.Fprintf(w, "# %s\n> %s\n", Name(c), command)
		if err != nil {
			fmt.Fprintf(w, "# no answer\n< \n")
			return r, err
		}
		fmt.Fprintf(w, "< %s\n", response)
		return r, nil
	})
}

// masker remembers which file is current, to know an identity when it passes.
type masker struct {
	reveal bool
	file   uint16 // selected last by identifier; 0: unknown
}

// Instructions whose data holds a code, a key or a cryptogram.
var secretINS = map[byte]bool{
	apdu.INSVerifyPIN: true, apdu.INSChangePIN: true, apdu.INSDisablePIN: true, apdu.INSEnablePIN: true, apdu.INSUnblockPIN: true,
	apdu.INSAuthenticate: true, apdu.INSExternalAuth: true, apdu.INSPutKey: true,
}

// Files that hold an identity, and the SFIs they are read by.
var personalFiles = map[uint16]bool{
	0x2FE2: true, 0x6F07: true, 0x6F40: true, 0x6F7E: true, 0x6F73: true, 0x6FE3: true, 0x4F01: true,
	0x6F08: true, 0x6F09: true, 0x6FE4: true, 0x6FF2: true, 0x6F20: true, 0x6F52: true, 0x6F53: true,
}

// publicSFI are read by SFI without holding an identity: EF_DIR, EF_PL, EF_AD, EF_UST, EF_ARR.
var publicSFI = map[byte]bool{0x03: true, 0x04: true, 0x05: true, 0x06: true, 0x17: true, 0x1E: true}

func (m *masker) exchange(c apdu.Command, r apdu.Response) (command, response string) {
	head := strings.ToUpper(hex.EncodeToString(c.Header()))
	data := m.data(c)
	command = head
	if len(c.Data) > 0 {
		command += fmt.Sprintf("%02X", byte(len(c.Data))) + data
	}
	if c.Le > 0 {
		command += fmt.Sprintf("%02X", byte(c.Le))
	}
	body := strings.ToUpper(hex.EncodeToString(r.Data))
	if len(r.Data) > 0 && !m.reveal && m.personal(c) || len(r.Data) > 0 && c.INS == apdu.INSAuthenticate {
		body = mask(len(r.Data))
	}
	m.follow(c)
	return command, body + r.SW.String()
}

func mask(n int) string { return fmt.Sprintf("[%d BYTES]", n) }

// data shows or masks what a command carries.
func (m *masker) data(c apdu.Command) string {
	switch {
	case secretINS[c.INS] && len(c.Data) > 0:
		return mask(len(c.Data))
	case c.INS == apdu.INSStoreData, c.INS == apdu.INSTerminalResponse, c.INS == apdu.INSUpdateBinary, c.INS == apdu.INSUpdateRecord, c.INS == apdu.INSEnvelope:
		if !m.reveal && len(c.Data) > 0 {
			return mask(len(c.Data))
		}
	}
	return strings.ToUpper(hex.EncodeToString(c.Data))
}

// personal tells whether the answer may hold an identity.
func (m *masker) personal(c apdu.Command) bool {
	switch c.INS {
	case apdu.INSReadBinary:
		if c.P1&0x80 != 0 {
			return !publicSFI[c.P1&0x1F] || c.P1&0x1F == 0x1E // EF_EPSLOCI has the SFI of EF_DIR
		}
		return m.file == 0 || personalFiles[m.file]
	case apdu.INSReadRecord:
		return c.P2>>3 == 0 && (m.file == 0 || personalFiles[m.file]) || c.P2>>3 == 0x18
	case apdu.INSGetData:
		return c.P2 == 0xE0 || c.P2 == 0xE1 || c.P2 == 0xE4
	case apdu.INSSelect:
		return c.P1 == 0x04 && len(c.Data) > 0 && c.Data[0] == 0xF0 // the binding applet's open view holds IMEIs
	}
	return false
}

func (m *masker) follow(c apdu.Command) {
	if c.INS != apdu.INSSelect {
		return
	}
	m.file = 0
	if n := len(c.Data); c.P1 != 0x04 && n >= 2 {
		m.file = uint16(c.Data[n-2])<<8 | uint16(c.Data[n-1])
	}
}
