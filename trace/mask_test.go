package trace

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// TestSecretsNeverStandInATranscript, whatever is asked for.
func TestSecretsNeverStandInATranscript(t *testing.T) {
	code := []byte{0xC0, 0xDE, 0xC0, 0xDE, 0xC0, 0xDE, 0xC0, 0xDE}
	for _, ins := range []byte{
		apdu.INSVerifyPIN, apdu.INSChangePIN, apdu.INSDisablePIN, apdu.INSEnablePIN, apdu.INSUnblockPIN, apdu.INSAuthenticate, insAuthenticateOdd,
		apdu.INSExternalAuth, apdu.INSPutKey, apdu.INSStoreData, apdu.INSManageSecureChannel, 0xD0, 0xD2, 0xD7, 0xDD, 0xE0, 0x58,
	} {
		for _, cla := range []byte{0x00, 0x80, 0x84, 0x01, 0x40, 0xA0} {
			for _, reveal := range []bool{false, true} {
				text := record(t, reveal, apdu.Command{CLA: cla, INS: ins, P1: 0x90, Data: code})
				if strings.Contains(text, "C0DE") || !strings.Contains(text, "[8 BYTES]") {
					t.Errorf("CLA %02X INS %02X, reveal %v: %s", cla, ins, reveal, text)
				}
			}
		}
	}
}

// selectBy* are the ways to a file: by AID or directory and identifier, by path from the MF, by path from the current directory.
func selectFID(fid uint16) apdu.Command {
	return apdu.Command{INS: apdu.INSSelect, P2: 0x0C, Data: []byte{byte(fid >> 8), byte(fid)}}
}

func selectPath(p1 byte, fids ...uint16) apdu.Command {
	c := apdu.Command{INS: apdu.INSSelect, P1: p1, P2: 0x0C}
	for _, fid := range fids {
		c.Data = append(c.Data, byte(fid>>8), byte(fid))
	}
	return c
}

func selectAID(aid string) apdu.Command {
	return apdu.Command{INS: apdu.INSSelect, P1: 0x04, P2: 0x0C, Data: []byte(aid)}
}

// location is a file whose content a test looks for: the directories before it, then its identifiers.
type location struct {
	application string // its AID; empty: it stands below the MF
	path        []uint16
	sfi         byte
	records     bool
}

// ways gives conversations that make the file current, and those that name it by short identifier in the command itself.
func (l location) ways() map[string][]apdu.Command {
	last := len(l.path) - 1
	entry, whole := selectFID(0x3F00), selectPath(0x08, l.path...)
	if l.application != "" {
		entry, whole = selectAID(l.application), selectPath(0x08, append([]uint16{0x7FFF}, l.path...)...)
	}
	steps := []apdu.Command{entry}
	for _, fid := range l.path {
		steps = append(steps, selectFID(fid))
	}
	ways := map[string][]apdu.Command{
		"by identifiers":                steps,
		"by path from the MF":           {entry, whole},
		"by path from its directory":    {entry, selectPath(0x09, l.path...)},
		"as EF of the current DF":       append(steps[:len(steps)-1:len(steps)-1], selectPath(0x02, l.path[last])),
		"current after another command": append(steps[:len(steps):len(steps)], apdu.Command{CLA: 0x80, INS: apdu.INSStatus, P2: 0x0C}),
	}
	if l.sfi != 0 {
		directory := steps[: len(steps)-1 : len(steps)-1]
		ways["by short identifier"] = directory
		ways["current by short identifier"] = append(directory, l.read(true))
	}
	return ways
}

// read and update are commands on the current file, or on the one with the short identifier.
func (l location) read(short bool) apdu.Command {
	c := l.reach(apdu.INSReadBinary, apdu.INSReadRecord, short)
	c.Le = 9
	return c
}

func (l location) update(short bool) apdu.Command {
	c := l.reach(apdu.INSUpdateBinary, apdu.INSUpdateRecord, short)
	c.Data = personalBytes
	return c
}

func (l location) reach(binary, record byte, short bool) apdu.Command {
	switch {
	case l.records && short:
		return apdu.Command{INS: record, P1: 1, P2: l.sfi<<3 | 4}
	case l.records:
		return apdu.Command{INS: record, P1: 1, P2: 4}
	case short:
		return apdu.Command{INS: binary, P1: 0x80 | l.sfi}
	}
	return apdu.Command{INS: binary}
}

const (
	usimAID = usimPrefix + "\xFF\xFF\xFF\xFF\x89\x07\x09\x00\x00"
	isimAID = isimPrefix + "\xFF\xFF\xFF\xFF\x89\x07\x09\x00\x00"
)

// keyFiles hold keys (TS 31.102 clauses 4.2 and 4.4, TS 31.103, TS 51.011); the last two are a maker's.
var keyFiles = map[string]location{
	"EF_Keys":              {usimAID, []uint16{0x6F08}, 0x08, false},
	"EF_KeysPS":            {usimAID, []uint16{0x6F09}, 0x09, false},
	"EF_EPSNSC":            {usimAID, []uint16{0x6FE4}, 0x18, true},
	"EF_GBABP":             {usimAID, []uint16{0x6FD6}, 0, false},
	"EF_MSK":               {usimAID, []uint16{0x6FD7}, 0, true},
	"EF_MUK":               {usimAID, []uint16{0x6FD8}, 0, true},
	"EF_NAFKCA":            {usimAID, []uint16{0x6FDD}, 0, true},
	"EF_Hiddenkey":         {usimAID, []uint16{0x6FC3}, 0, false},
	"EF_GBABP of an ISIM":  {isimAID, []uint16{0x6FD5}, 0, false},
	"EF_Kc":                {usimAID, []uint16{0x5F3B, 0x4F20}, 0x01, false},
	"EF_KcGPRS":            {usimAID, []uint16{0x5F3B, 0x4F52}, 0x02, false},
	"EF_5GS3GPPNSC":        {usimAID, []uint16{0x5FC0, 0x4F03}, 0x03, true},
	"EF_5GSN3GPPNSC":       {usimAID, []uint16{0x5FC0, 0x4F04}, 0x04, true},
	"EF_5GAUTHKEYS":        {usimAID, []uint16{0x5FC0, 0x4F05}, 0x05, false},
	"EF_Kc of DF_GSM":      {"", []uint16{0x7F20, 0x6F20}, 0, false},
	"EF_KcGPRS of DF_GSM":  {"", []uint16{0x7F20, 0x6F52}, 0, false},
	"a maker's, in a DF":   {"", []uint16{0xA515, 0x6F20}, 0, false},
	"a maker's, in an ADF": {usimAID, []uint16{0xAF20}, 0, false},
}

// TestKeysNeverStandInATranscript, be they read or written, whichever way the file was reached, and whatever is asked for.
func TestKeysNeverStandInATranscript(t *testing.T) {
	for name, file := range keyFiles {
		for way, talk := range file.ways() {
			short := way == "by short identifier"
			again := apdu.Command{INS: apdu.INSGetResponse, Le: 9}
			uncollected := file.read(short)
			uncollected.Le = 0
			for what, last := range map[string][]apdu.Command{
				"read":      {file.read(short)},
				"collected": {uncollected, again, again},
				"written":   {file.update(short)},
				"read on":   {file.read(short), file.read(false), file.update(false)},
			} {
				text := record(t, true, append(talk[:len(talk):len(talk)], last...)...)
				if strings.Contains(text, personalHex) || !strings.Contains(text, "[9 BYTES]") {
					t.Errorf("%s, %s, %s: %s", name, way, what, text)
				}
			}
		}
	}
}

// TestKeysOnAnotherChannel: a channel keeps its own current file.
func TestKeysOnAnotherChannel(t *testing.T) {
	on := func(channel byte, c apdu.Command) apdu.Command {
		c.CLA |= channel
		return c
	}
	imsi, keys := selectPath(0x08, 0x7FFF, 0x6F07), selectPath(0x08, 0x7FFF, 0x6F08)
	read := apdu.Command{INS: apdu.INSReadBinary, Le: 9}
	for name, talk := range map[string][]apdu.Command{
		"of channel 1":             {on(1, selectAID(usimAID)), on(1, keys), imsi, on(1, read)},
		"of channel 0":             {keys, on(1, selectAID(usimAID)), on(1, imsi), read},
		"of a channel not entered": {imsi, on(2, read)},
	} {
		if text := record(t, true, talk...); strings.Contains(text, personalHex) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if text := record(t, true, on(1, selectAID(usimAID)), on(1, imsi), keys, on(1, read)); !strings.Contains(text, personalHex) {
		t.Errorf("EF_IMSI of channel 1, revealed: %s", text)
	}
}

// TestRefusedSelection leaves the file current that was, on cards that follow the standard: it must not be taken for the one that was asked for, nor
// for the one before on a card that does not.
func TestRefusedSelection(t *testing.T) {
	for _, sw := range []apdu.SW{apdu.SWFileNotFound, 0} {
		card := apdu.TransmitterFunc(func(_ context.Context, c apdu.Command) (apdu.Response, error) {
			if c.INS == apdu.INSSelect && c.Data[len(c.Data)-1] == 0x38 {
				return apdu.Response{SW: sw}, nil
			}
			return echo.Transmit(context.Background(), c)
		})
		for _, before := range []uint16{0x6F08, 0x6F07} {
			var text strings.Builder
			r := Record(card, &text, Options{Reveal: true})
			for _, c := range []apdu.Command{selectPath(0x08, 0x7FFF, before), selectFID(0x6F38), {INS: apdu.INSReadBinary, Le: 9}} {
				if _, err := r.Transmit(context.Background(), c); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Contains(text.String(), personalHex) {
				t.Errorf("%s: %s", sw, text.String())
			}
		}
	}
}

// TestDownloads: what is sent over the air may hold keys.
func TestDownloads(t *testing.T) {
	for _, tag := range []byte{0xD1, 0xD2} {
		c := apdu.Command{CLA: 0x80, INS: apdu.INSEnvelope, Data: append([]byte{tag, 9}, personalBytes...), Le: 256}
		if text := record(t, true, c); strings.Contains(text, personalHex) {
			t.Errorf("%02X: %s", tag, text)
		}
	}
}

// TestReceivedData: what a terminal received over a channel is a download as well.
func TestReceivedData(t *testing.T) {
	answered := []byte{0x81, 0x03, 0x01, 0x42, 0x00, 0x82, 0x02, 0x82, 0x81, 0x83, 0x01, 0x00}
	for _, tag := range []byte{0x36, 0xB6} {
		c := apdu.Command{CLA: 0x80, INS: apdu.INSTerminalResponse, Data: slices.Concat(answered, []byte{tag, byte(len(personalBytes))}, personalBytes)}
		if text := record(t, true, c); strings.Contains(text, personalHex) {
			t.Errorf("%02X: %s", tag, text)
		}
	}
}

// TestUnknownIsMasked: nobody knows what stands in a file or an answer that stands in no table.
func TestUnknownIsMasked(t *testing.T) {
	for name, talk := range map[string][]apdu.Command{
		"a file of the MF":                 {selectFID(0x2FFF), {INS: apdu.INSReadBinary, Le: 9}},
		"no file":                          {{INS: apdu.INSReadBinary, Le: 9}},
		"a file of no known AID":           {selectAID("\xA0\x00\x00\x03\x43"), selectFID(0x6F07), {INS: apdu.INSReadBinary, Le: 9}},
		"7FFF of no known AID":             {selectAID("\xA0\x00\x00\x03\x43"), selectPath(0x08, 0x7FFF, 0x6F07), {INS: apdu.INSReadBinary, Le: 9}},
		"GET RESPONSE at the start":        {{INS: apdu.INSGetResponse, Le: 9}},
		"an instruction of a maker":        {{CLA: 0x80, INS: 0x5A, Le: 9}},
		"AUTHENTICATE, collected":          {{INS: apdu.INSAuthenticate, Data: []byte{1}}, {INS: apdu.INSGetResponse, Le: 9}},
		"a short identifier unknown":       {selectAID(usimAID), {INS: apdu.INSReadBinary, P1: 0x9F, Le: 9}},
		"class A0, offset not SFI":         {selectPath(0x08, 0x7F20, 0x6F20), {CLA: 0xA0, INS: apdu.INSReadBinary, P1: 0x84, Le: 9}},
		"class A0 in an ADF":               {selectAID(usimAID), selectFID(0x6F08), {CLA: 0xA0, INS: apdu.INSReadBinary, P1: 0x84, Le: 9}},
		"a maker's DF below DF_GSM":        {selectPath(0x08, 0x7F20, 0xA515, 0x6F07), {INS: apdu.INSReadBinary, Le: 9}},
		"a path from the MF":               {selectAID(usimAID), selectPath(0x08, 0x6F07), {INS: apdu.INSReadBinary, Le: 9}},
		"an object of another application": {selectAID("\xA0\x00\x00\x03\x43"), {INS: apdu.INSGetData, P2: 0x5A, Le: 256}},
		"an object of a maker":             {{CLA: 0x80, INS: apdu.INSGetData, P1: 0xDF, P2: 0x30, Le: 256}},
		"a directory not of a USIM":        {selectPath(0x08, 0x7F20, 0x5FC0, 0x4F01), {INS: apdu.INSReadBinary, Le: 9}},
	} {
		if text := record(t, true, talk...); strings.Contains(text, personalHex) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestIdentitiesAreMasked unless asked for.
func TestIdentitiesAreMasked(t *testing.T) {
	usim, read := selectAID(usimAID), apdu.Command{INS: apdu.INSReadBinary, Le: 9}
	for name, talk := range map[string][]apdu.Command{
		"EF_IMSI selected":          {usim, selectFID(0x6F07), read},
		"EF_IMSI by SFI":            {usim, {INS: apdu.INSReadBinary, P1: 0x87, Le: 9}},
		"EF_IMSI of DF_GSM":         {selectFID(0x7F20), selectFID(0x6F07), {CLA: 0xA0, INS: apdu.INSReadBinary, Le: 9}},
		"EF_IMPI":                   {selectAID(isimAID), {INS: apdu.INSReadBinary, P1: 0x82, Le: 9}},
		"EF_5GS3GPPLOCI":            {usim, selectFID(0x5FC0), {INS: apdu.INSReadBinary, P1: 0x81, Le: 9}},
		"EF_ICCID by SFI":           {{INS: apdu.INSReadBinary, P1: 0x82, Le: 10}},
		"EF_ICCID, another reset":   {usim, {INS: apdu.INSReadBinary, P1: 0x82, Le: 10}},
		"EF_ICCID":                  {usim, selectFID(0x2FE2), read},
		"EF_LOCI collected":         {usim, {INS: apdu.INSReadBinary, P1: 0x8B}, {INS: apdu.INSGetResponse, Le: 9}},
		"by SFI, then current":      {usim, selectFID(0x6FAD), {INS: apdu.INSReadBinary, P1: 0x87, Le: 9}, read},
		"out of DF_5GS":             {usim, selectFID(0x5FC0), {INS: apdu.INSSelect, P1: 0x03}, {INS: apdu.INSReadBinary, P1: 0x87, Le: 9}},
		"state of the applet":       {{CLA: 0x80, INS: apdu.INSGetData, P2: 0xE1, Le: 256}},
		"card image number":         {{CLA: 0x80, INS: apdu.INSGetData, P2: 0x45, Le: 256}},
		"applet selected":           {{INS: apdu.INSSelect, P1: 0x04, Data: []byte{0xF0, 0x53, 0x49}, Le: 256}},
		"update of EF_IMSI":         {usim, selectFID(0x6F07), {INS: apdu.INSUpdateBinary, Data: personalBytes}},
		"update of EF_LOCI, by SFI": {usim, {INS: apdu.INSUpdateBinary, P1: 0x8B, Data: personalBytes}},
		"terminal response":         {{CLA: 0x80, INS: apdu.INSTerminalResponse, Data: personalBytes}},
		"a message the card sends":  {{CLA: 0x80, INS: apdu.INSFetch, Le: 9}},
	} {
		if text := record(t, false, talk...); strings.Contains(text, personalHex) {
			t.Errorf("%s: %s", name, text)
		}
		if text := record(t, true, talk...); !strings.Contains(text, personalHex) {
			t.Errorf("%s, revealed: %s", name, text)
		}
	}
}

// TestOpenFilesAreShown, and what a start is made of.
func TestOpenFilesAreShown(t *testing.T) {
	usim, read := selectAID(usimAID), apdu.Command{INS: apdu.INSReadBinary, Le: 9}
	for name, talk := range map[string][]apdu.Command{
		"EF_AD":             {usim, selectFID(0x6FAD), read},
		"EF_UST by SFI":     {usim, {INS: apdu.INSReadBinary, P1: 0x84, Le: 9}},
		"EF_DIR":            {{INS: apdu.INSReadRecord, P1: 1, P2: 0x1E<<3 | 4, Le: 9}},
		"EF_ARR":            {selectFID(0x2F06), {INS: apdu.INSReadRecord, P1: 1, P2: 4, Le: 9}},
		"card data":         {{CLA: 0x80, INS: apdu.INSGetData, P2: 0x66, Le: 256}},
		"CPLC":              {{CLA: 0x80, INS: apdu.INSGetData, P1: 0x9F, P2: 0x7F, Le: 256}},
		"about the applet":  {{CLA: 0x80, INS: apdu.INSGetData, P2: 0xE3, Le: 256}},
		"INITIALIZE UPDATE": {{CLA: 0x80, INS: apdu.INSInitializeUpdate, Data: []byte{1}, Le: 256}},
	} {
		if text := record(t, false, talk...); !strings.Contains(text, personalHex) {
			t.Errorf("%s: %s", name, text)
		}
	}
	twice := []apdu.Command{usim, selectFID(0x6F07), {INS: apdu.INSReadBinary}, {INS: apdu.INSGetResponse, Le: 9}, {INS: apdu.INSGetResponse, Le: 9}}
	if text := record(t, true, twice...); strings.Count(text, personalHex) != 2 {
		t.Errorf("collected twice: %s", text)
	}
	refresh := []byte{0xD0, 0x09, 0x81, 0x03, 0x01, 0x01, 0x00, 0x82, 0x02, 0x81, 0x82}
	message := []byte{0xD0, 0x09, 0x81, 0x03, 0x01, 0x13, 0x00, 0x82, 0x02, 0x81, 0x83}
	m := NewMasker(Options{})
	for fetched, masked := range map[*[]byte]bool{&refresh: false, &message: true} {
		_, response := m.Exchange(apdu.Command{CLA: 0x80, INS: apdu.INSFetch, Le: 11}, apdu.Response{Data: *fetched, SW: apdu.SWOK})
		if strings.Contains(response, "BYTES") != masked {
			t.Errorf("%X: %s", *fetched, response)
		}
	}
}

// TestFirstConfiguration: an installation that carries a configuration names IMEIs; any other is shown whole.
func TestFirstConfiguration(t *testing.T) {
	field := func(b ...byte) []byte { return append([]byte{byte(len(b))}, b...) }
	aid := []byte{0xF0, 0x53, 0x49, 0x4D, 0x42, 0x49, 0x4E, 0x44, 0x01}
	configuration := tlv.Encode(0xE0, tlv.Encode(0x80, []byte{0x02}), tlv.Encode(0x81, []byte{0x49, 0x01, 0x54, 0x20, 0x32, 0x37, 0x51}))
	adf := tlv.Encode(0x81, []byte(usimPrefix))
	for _, row := range []struct {
		application []byte
		masked      bool
	}{{nil, false}, {adf, false}, {configuration, true}, {append(adf, configuration...), true}, {[]byte{0x81}, false}} {
		data := append(append(append(field(aid[:8]...), field(aid...)...), field(aid...)...), field(0x00)...)
		data = append(append(data, field(tlv.Encode(0xC9, row.application)...)...), field()...)
		for cut := range len(data) {
			_ = record(t, false, apdu.Command{CLA: 0x80, INS: apdu.INSInstall, P1: 0x0C, Data: data[:cut]})
		}
		for _, cla := range []byte{0x80, 0x84, 0x81} {
			for _, p1 := range []byte{0x04, 0x08, 0x0C} {
				c := apdu.Command{CLA: cla, INS: apdu.INSInstall, P1: p1, Data: data}
				if text := record(t, false, c); strings.Contains(text, "BYTES]") != row.masked || strings.Contains(text, "490154") {
					t.Errorf("%X: %s", row.application, text)
				}
				if text := record(t, true, c); strings.Contains(text, "BYTES]") {
					t.Errorf("%X, revealed: %s", row.application, text)
				}
			}
		}
	}
}
