package uicc

import (
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/secret"
)

func TestCommands(t *testing.T) {
	usim := AID(unhex(t, "A0000000871002"))
	code := secret.New([]byte("1234\xFF\xFF\xFF\xFF"))
	other := secret.New([]byte("56789012"))
	const c1, c2 = "31323334FFFFFFFF", "3536373839303132"
	for name, row := range map[string]struct {
		c    apdu.Command
		want string
	}{
		"select FID":                 {SelectFID(0x6F07), "00A40004026F0700"},
		"select MF by path":          {SelectPath(Path{MF}), "00A40004023F0000"},
		"select nothing is MF":       {SelectPath(nil), "00A40004023F0000"},
		"select path from MF":        {SelectPath(Path{MF, DFGSM, 0x6F07}), "00A40804047F206F0700"},
		"select path from ADF":       {SelectPath(Path{CurrentADF, DF5GS, 0x4F01}), "00A40804067FFF5FC04F0100"},
		"select path from DF":        {SelectPathFromDF(Path{DF5GS, 0x4F01}), "00A40904045FC04F0100"},
		"select AID":                 {SelectAIDCommand(usim), "00A4040407A000000087100200"},
		"select AID silently":        {SelectSilent(SelectAIDCommand(usim)), "00A4040C07A0000000871002"},
		"end application":            {EndApplication(usim), "00A4044C07A0000000871002"},
		"status FCP":                 {StatusFCP(), "80F2000000"},
		"status AID":                 {StatusAID(), "80F2000100"},
		"status poll":                {StatusPoll(), "80F2000C"},
		"read binary":                {ReadBinary(0, 9), "00B0000009"},
		"read binary at 300":         {ReadBinary(300, 0), "00B0012C00"},
		"read binary by SFI":         {ReadBinarySFI(2, 0, 10), "00B082000A"},
		"read binary by SFI 1E at 5": {ReadBinarySFI(0x1E, 5, 0), "00B09E0500"},
		"update binary":              {UpdateBinary(256, []byte{1, 2}), "00D60100020102"},
		"update binary by SFI":       {UpdateBinarySFI(7, 0, []byte{1}), "00D687000101"},
		"read record":                {ReadRecord(0, 1, 38), "00B2010426"},
		"read record by SFI":         {ReadRecord(0x1E, 2, 0), "00B202F400"},
		"read next record":           {NextRecord(4), "00B2000204"},
		"read previous record":       {PreviousRecord(4), "00B2000304"},
		"update record":              {UpdateRecord(0, 3, []byte{0xFF}), "00DC030401FF"},
		"update record by SFI":       {UpdateRecord(0x18, 1, []byte{0xFF}), "00DC01C401FF"},
		"update cyclic":              {UpdateOldestRecord([]byte("OK\xFF\xFF")), "00DC0003044F4BFFFF"},
		"search record":              {SearchRecord(0, 1, []byte{0xA0, 0x00}), "00A2010402A00000"},
		"search record by SFI":       {SearchRecord(0x1E, 1, []byte{0xA0, 0x00}), "00A201F402A00000"},
		"activate":                   {ActivateFile(), "00440000"},
		"deactivate":                 {DeactivateFile(), "00040000"},
		"open channel":               {OpenChannel(), "0070000001"},
		"close channel 3":            {CloseChannel(3), "00708003"},
		"terminal capability":        {TerminalCapability(unhex(t, "830107")), "80AA000005A903830107"},
		"verify, counter only":       {VerifyEmpty(ADM1), "0020000A"},
		"verify":                     {VerifyPIN(PIN1, code), "0020000108" + c1},
		"change":                     {ChangePIN(PIN1, code, other), "0024000110" + c1 + c2},
		"disable":                    {DisablePIN(PIN1, code), "0026000108" + c1},
		"enable":                     {EnablePIN(PIN1, code), "0028000108" + c1},
		"unblock, counter only":      {UnblockEmpty(PIN2), "002C0081"},
		"unblock":                    {UnblockPIN(PIN1, other, code), "002C000110" + c2 + c1},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			got, err := row.c.Bytes()
			if err != nil || string(got) != string(unhex(t, row.want)) {
				t.Errorf("%X (%v), want %s", got, err, row.want)
			}
		})
	}
}

func TestSelectionNames(t *testing.T) {
	for want, s := range map[string]Selection{
		"6F07": FID(0x6F07), "3F00/7F20/6F07": Path{MF, DFGSM, 0x6F07}, "A0000000871002": AID(unhex(t, "A0000000871002")),
	} {
		if s.String() != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}
