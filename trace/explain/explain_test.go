package explain

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

func explained(t testing.TB, text string, reveal bool) []Exchange {
	t.Helper()
	talk, err := trace.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return Transcript(talk, trace.Options{Reveal: reveal})
}

// shown is everything an exchange shows, in one string.
func shown(xs []Exchange) string {
	var b strings.Builder
	for _, x := range xs {
		fmt.Fprintf(&b, "> %s\n< %s\n%s\n", x.Command, x.Response, strings.Join(x.Lines(), "\n"))
		for _, o := range x.Objects {
			fmt.Fprintf(&b, "%s\n", o.Value)
		}
	}
	return b.String()
}

// said are conversations and what must be said of them. The answers of real cards are of facts published with pySim and OpenSC.
var said = []struct {
	name, talk   string
	want, absent []string
}{
	{"EF_IMSI of a real card", "00A40004027FFF\n9000\n00A40004026F07\n62278202412183026F07A50EC001009B063F007F206F07CA01808A01058B036F0603800200098801389000\n00B0000009\n0829261011608457409000\n",
		[]string{"SELECT EF_IMSI: ADF.USIM/EF_IMSI", "82 file descriptor: transparent", "linked to: MF/DF_GSM/EF_IMSI", "record 3 of EF_ARR", "file size: 9 bytes", "identifier: 07", "IMSI 262***04", "< [9 BYTES]9000"},
		[]string{"262011106487504", "082926101160845740"}},
	{"MF of a real card", "00A40004023F00\n622C8202782183023F00A50C80017183040003A7388701018A01058B032F0601C60C90016083010183010A83010B9000\n",
		[]string{"SELECT MF", "memory available: 239416 bytes", "code: ADM1", "life cycle: activated", "record 1 of EF_ARR"}, nil},
	{"ICCID and EF_DIR by SFI", "00B082000A\n988812010000400310F09000\n00B201F426\n61184F10A0000000871002FFF359FF89FFFFFFFF50045553494DFFFFFFFFFFFFFFFFFFFFFF9000\n",
		[]string{"MF/EF_ICCID", "ICCID 898821***0010", "MF/EF_DIR", "61 application", "(USIM)", `label: "USIM"`}, []string{"988812010000400310F0", "8988211000000430010"}},
	{"after a reset the MF is current", "00A40004027FFF\n9000\n00B0870009\n0809101010325476989000\n-- RESET\n00B082000A\n988812010000400310F09000\n",
		[]string{"ADF.USIM/EF_IMSI", "MF/EF_ICCID"}, []string{"001010123456789", "080910101032547698"}},
	{"channels have files of their own", "0070000001\n019000\n01A4040407A0000000871002\n9000\n00A40004022FE2\n9000\n01B0870009\n0809101010325476989000\n00B000000A\n988812010000400310F09000\n02B000000A\n988812010000400310F09000\n",
		[]string{"READ BINARY SFI 07 on channel 1: ADF.USIM/EF_IMSI", "READ BINARY offset 0: MF/EF_ICCID"}, []string{"001010123456789", "988812010000400310F0", "on channel 2: "}},
	{"T=0, collected by GET RESPONSE", "00A40004023F00\n9000\n00A40004022FE2\n611B\n00C000001B\n62198202412183022FE2A503C001408A01058B032F06028002000A9000\n00B000000A\n6C0A\n00B000000A\n988812010000400310F09000\n",
		[]string{"GET RESPONSE: MF/EF_ICCID", "special file information: 40", "6C0A: wrong Le"}, []string{"988812010000400310F0"}},
	{"class A0", "A0A40000022FE2\n9F0F\nA0C000000F\n0000000A2FE204000CFFFF010200009000\nA0B000000A\n988812010000400310F09000\n",
		[]string{"(class A0)", "file: transparent, 10 bytes", "ICCID 898821***0010"}, []string{"988812010000400310F0"}},
	{"codes", "0020000108313233FFFFFFFFFF\n63C2\n002C000110 31323334FFFFFFFF35363738FFFFFFFF\n9000\n0020000A\n63C3\n",
		[]string{"code: of PIN1, not shown", "63C2: counter 2", "VERIFY 0A (counter)"}, []string{"313233", "35363738"}},
	{"AUTHENTICATE", "0088008110 000102030405060708090A0B0C0D0E0F\n6135\n00C0000035\nDB08 AABBCCDDAABBCCDD 10 00112233445566778899AABBCCDDEEFF 10 00112233445566778899AABBCCDDEEFF 08 0011223344556677 9000\n",
		[]string{"keys or a response: 53 bytes, not shown"}, []string{"AABBCCDD", "00112233"}},
	{"location and keys", "00A4040407A0000000871002\n9000\n00B08B0000\n1122334400F11000010000 9000\n00B0880000\n07FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF9000\n00B0880000\n0011111111111111111111111111111111222222222222222222222222222222229000\n",
		[]string{"network 001-01", "holds a temporary identity", "content: no keys", "keys of set 0, not shown"}, []string{"11111111", "22222222", "11223344"}},
	{"proactive commands", "80F2000C\n9112\n8012000012\nD0128103010102820281829207013F007FFF6F07 9000\n801400000C 810301010202028281830103\n9000\n",
		[]string{"a proactive command of 18 bytes waits", "REFRESH (application initialization and file change)", "file list: 3F00/7FFF/6F07", "UICC to terminal", "result: performed, further files read"}, nil},
	{"IMEI told", "8012000009\nD009810301260182028182 9000\n8014000016 81030126010202828183010094084A09512430325781\n9000\n",
		[]string{"PROVIDE LOCAL INFORMATION (IMEI)", "IMEI: 49015420******"}, []string{"4A0951243032", "323751"}},
	{"timer and poll", "8012000011\nD011810301270082028182A40101A503000003 9000\n801200000D\nD00D81030103008202818284 02011E 9000\n80C200000DD70B82028281A40101A503000003\n9000\n801200000C\nD00C810301050082028182990103 9000\n",
		[]string{"TIMER MANAGEMENT (start)", "timer value: 30s", "duration: 30s", "D7 timer expiration", "event list: location status"}, nil},
	{"short message", "80C2000017D1158202838106079144775810650F0B06040011223344\n9000\n", []string{"SMS-PP download", "SMS TPDU", "network to UICC"}, []string{"040011223344", "9144775810650F"}},
	{"profile", "801000001EFFFFFFFF7F9D00DFBF00001FE2000000C36B000700004000500000000008\n9000\n8010000001FF\n9000\n",
		[]string{"REFRESH, POLL INTERVAL", "without: REFRESH"}, nil},
	{"security domain", "00A4040000\n6F108408A000000151000000A5049F6501FF9000\n80CA00E0\nE012C00401308810C00402308810C004033088109000\n80CA00C1\nC1030000059000\n8050000008 0011223344556677\n00000000000000000A00 0102 0005 112233445566 0102030405060708 9000\n",
		[]string{"issuer security domain", "maximum command data: 255 bytes", "identifier 1 of version 30, type 88, 16 bytes", "sequence counter: 5", "key version asked for: 00", "key version: 01"}, nil},
	{"registry", "80F24002024F00\nE3144F07A00000000300009F70010FC5039EFE80CC00 9000\n", []string{"registry entry", "life cycle: 0F"}, nil},
	{"install", "80E60C0056 07D07002CA449001 08D07002CA44900101 08D07002CA44900101 0100 38 C903 010 10E EF08C7020080C8020100 EA27800B0100000000000003424D0100 8118000100001 0A0000000871002FFFFFFFF890302000001000 0 00\n9000\n",
		[]string{"INSTALL (for install and make selectable)", "load file", "does not read"}, nil},
	{"install, worked example", "80E60C005607D07002CA44900108D07002CA4490010108D07002CA44900101010038C90301010EEF08C7020080C8020100EA27800B01010000000003424D010081180001000010A0000000871002FFFFFFFF890302000001000000\n009000\n",
		[]string{"module: D07002CA44900101", "C9 application parameters: 01010E", "volatile quota: 128 bytes", "EA UICC parameters", "80 toolkit", "81 access domains"}, nil},
	{"install for load", "80E602001108F053494D42494E4404A0000001000000\n6A80\n", []string{"(binding applet's load file)", "6A80"}, nil},
	{"keys put", "80D8000113 01 8810 00112233445566778899AABBCCDDEEFF\n9000\n", []string{"keys: not shown; the set replaced has version 00"}, []string{"00112233"}},
	{"data groups", "80E2880013 8F01 10 00112233445566778899AABBCCDDEEFF\n9000\n80E2600008 0011223344556677\n9000\n", []string{"data group 8F01: 16 bytes, not shown", "encrypted data: 8 bytes"}, []string{"00112233"}},
	{"configuration", "84E2900023E0198001028107490154203237518301008501008601018A020003 1122334455667788\n9000\n",
		[]string{"E0 configuration", "scheme: preset", "IMEI pattern: 49015420", "generation expected: 3"}, []string{"49015420323751", "32375"}},
	{"action", "80E290000EE20C800104810749015420323751\n9000\n", []string{"E2 action", "IMEI: 49015420******"}, []string{"323751"}},
	{"state", "80CA00E100\nE136800103810100820101830749015420323751840735209900176148850800010001000000008602000187010189010090010093020000 9000\n",
		[]string{"state: bound", "bound IMEI: 49015420******", "last IMEI: 35209900******", "starts 1, allowed 1"}, []string{"323751", "176148"}},
	{"log", "80CA00E400\nE40C800A034901542032375100059000\n", []string{"entry: start 5, denied: other terminal, terminal 49015420******"}, []string{"323751"}},
	{"backup", "80CA00E100\nE10B8809080910100000214365 9000\n", []string{"backup, ADF.USIM: IMSI 001***56"}, []string{"080910100000214365", "001010000123456"}},
	{"access rules", "00A40004022F06\n9000\n00B2010430\n80010190008001029700800118A40683010A9501089000\n", []string{"read always; update never", "ADM1"}, nil},
	{"no command", "00\n9000\n> 0020000108313233\n< 6700\n", []string{"no command"}, []string{"313233"}},
	{"what is masked stays so", "> 0020000108[4 bytes]31323334\n< 9000\n> 00B0870009\n< [4 bytes]21436500009000\n", []string{"masked in the transcript"}, []string{"31323334", "2143"}},
	{"a service table that is none", "00A4040007A0000000871002\n9000\n00B0840000\n" + strings.Repeat("FF", 65) + "9000\n00B0840000\n029000\n", []string{"a service table of 65 bytes", "2 fixed dialling numbers"}, []string{"service 500"}},
	{"a file of DF_GSM that a USIM has under another name", "A0A40000027F20\n9F22\nA0A40000026F38\n9F0F\n00A40004026F07\n9000\n", []string{"MF/DF_GSM/6F38", "SELECT EF_IMSI"}, []string{"EF_UST"}},
	{"codes of a classic SIM", "A02000020831323334FFFFFFFF\n9000\nA02C00001031323334353637383132333435363738\n9804\n", []string{"code: of CHV2", "code: of CHV1"}, []string{"31323334"}},
	{"a file of an ISIM", "00A4040407A0000000871004\n9000\n00A40004026F07\n9000\n", []string{"ISIM", "SELECT 6F07"}, []string{"EF_IMSI"}},
	{"no answer", "00A40004023F00\n", []string{"no answer"}, nil},
}

func TestSaid(t *testing.T) {
	for _, row := range said {
		t.Run(row.name, func(t *testing.T) {
			got := shown(explained(t, row.talk, false))
			for _, w := range row.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is not said:\n%s", w, got)
				}
			}
			for _, w := range row.absent {
				if strings.Contains(got, w) {
					t.Errorf("%q is shown:\n%s", w, got)
				}
			}
		})
	}
}

// TestRevealed: identities stand in clear when asked for; codes and keys do not.
func TestRevealed(t *testing.T) {
	got := ""
	for _, row := range said {
		got += shown(explained(t, row.talk, true))
	}
	for _, w := range []string{"IMSI 262011106487504", "ICCID 8988211000000430010", "IMEI: 49015420323751", "backup, ADF.USIM: IMSI 001010000123456"} {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not shown", w)
		}
	}
	for _, w := range []string{"3132333", "11111111", "AABBCCDD", "00112233445566778899"} {
		if strings.Contains(got, w) {
			t.Errorf("%q is shown", w)
		}
	}
}

// TestEveryFileOfTheTable is named where it is selected by path.
func TestEveryFileOfTheTable(t *testing.T) {
	for _, f := range usim.Files {
		var path []byte
		for _, fid := range f.Path {
			path = append(path, byte(fid>>8), byte(fid))
		}
		got := shown(explained(t, fmt.Sprintf("00A40804%02X%X\n9000\n", len(path), path), false))
		if !strings.Contains(got, "/"+strings.TrimSuffix(f.Name, " of DF_GSM")) {
			t.Errorf("%s: %s", f.Name, got)
		}
	}
}

// keyFiles of the table hold keys; their content is never said.
var keyFiles = map[string]bool{
	"EF_Keys": true, "EF_KeysPS": true, "EF_EPSNSC": true, "EF_5GS3GPPNSC": true, "EF_5GSN3GPPNSC": true, "EF_Kc of DF_GSM": true, "EF_KcGPRS of DF_GSM": true,
}

// TestContentOfEveryFile: with Reveal the content of every file of the table is shown but of those with keys, read and written, by path and by short
// identifier.
func TestContentOfEveryFile(t *testing.T) {
	secret := "C0DEFACEC0DEFACE"
	for _, f := range usim.Files {
		var path []byte
		for _, fid := range f.Path {
			path = append(path, byte(fid>>8), byte(fid))
		}
		reach := map[string]string{"by path": fmt.Sprintf("00A40804%02X%X\n9000\n", len(path), path)}
		read, write := "00B0000008", "00D6000008"+secret
		if f.Shape != uicc.Transparent {
			read, write = "00B2010408", "00DC010408"+secret
		}
		if f.SFI != 0 && len(path) > 2 {
			reach["by directory"] = fmt.Sprintf("00A40804%02X%X\n9000\n00A4000402%X\n9000\n", len(path)-2, path[:len(path)-2], path[len(path)-2:])
		}
		for way, talk := range reach {
			for what, last := range map[string]string{"read": read + "\n" + secret + "9000\n", "written": write + "\n9000\n"} {
				got := shown(explained(t, talk+last, true))
				if said := strings.Contains(got, secret); said == keyFiles[f.Name] {
					t.Errorf("%s, %s, %s: shown %v:\n%s", f.Name, way, what, said, got)
				}
			}
		}
	}
}

func TestDepth(t *testing.T) {
	b := []byte{0x5A, 0}
	for range 40 {
		b = append([]byte{0xE5, byte(len(b))}, b...)
	}
	xs := explained(t, fmt.Sprintf("80CA00E500\n%X9000\n", b), false)
	if n := len(xs[0].Objects); n > maxDepth+3 {
		t.Errorf("%d objects", n)
	}
	many := strings.Repeat("5A00", 2000)
	if n := len(explained(t, "80CA00E500\n"+many+"9000\n", false)[0].Objects); n != maxObjects {
		t.Errorf("%d objects", n)
	}
}

var maskedValue = regexp.MustCompile(`^([0-9A-F]{2})*$|^\[[0-9]+ BYTES\]$`)

func FuzzTranscript(f *testing.F) {
	for _, row := range said {
		f.Add(row.talk, false)
	}
	f.Fuzz(func(t *testing.T, talk string, reveal bool) {
		parsed, err := trace.Read(strings.NewReader(talk))
		if err != nil {
			return
		}
		for _, x := range Transcript(parsed, trace.Options{Reveal: reveal}) {
			if len(x.Objects) > maxObjects || x.Name == "" || x.Answer == "" {
				t.Fatalf("%+v", x)
			}
			for _, o := range x.Objects {
				if o.Name == "" || !maskedValue.MatchString(o.Value) || o.Depth > maxDepth+1 {
					t.Fatalf("%+v", o)
				}
			}
		}
	})
}

// FuzzSecrets: whatever a code, a key or what AUTHENTICATE gave looks like, nothing of it is shown.
func FuzzSecrets(f *testing.F) {
	secret := []byte{0xC0, 0xDE, 0xFA, 0xCE, 0xC0, 0xDE, 0xFA, 0xCE}
	f.Add(byte(0x00), byte(apdu.INSVerifyPIN), byte(0), byte(1), []byte{}, true)
	f.Add(byte(0x80), byte(apdu.INSStoreData), byte(0x88), byte(0), []byte{0x8F, 0x01, 8}, true)
	f.Fuzz(func(t *testing.T, cla, ins, p1, p2 byte, before []byte, reveal bool) {
		if len(before) > 200 || !secretCommand(ins) {
			return
		}
		c := apdu.Command{CLA: cla, INS: ins, P1: p1, P2: p2, Data: append(bytes.Clone(before), secret...)}
		raw, err := c.Bytes()
		if err != nil || strings.Contains(hex.EncodeToString(before), "c0de") {
			return
		}
		talk := fmt.Sprintf("> %X\n< %X9000\n> 00C0000008\n< %X9000\n", raw, secret, secret)
		if ins != apdu.INSAuthenticate {
			talk = fmt.Sprintf("> %X\n< 9000\n", raw)
		}
		if got := shown(explained(t, talk, reveal)); strings.Contains(got, "C0DEFACE") {
			t.Fatalf("shown:\n%s", got)
		}
	})
}

func secretCommand(ins byte) bool {
	return bytes.IndexByte([]byte{
		apdu.INSVerifyPIN, apdu.INSChangePIN, apdu.INSUnblockPIN, apdu.INSDisablePIN, apdu.INSEnablePIN, apdu.INSPutKey, apdu.INSAuthenticate,
		apdu.INSExternalAuth, apdu.INSStoreData,
	}, ins) >= 0
}

// TestRecordedAndExplained: what Record writes with --reveal, Transcript reads, and shortens.
func TestRecordedAndExplained(t *testing.T) {
	card := apdu.TransmitterFunc(func(context.Context, apdu.Command) (apdu.Response, error) {
		return apdu.Response{Data: []byte{0x08, 0x09, 0x10, 0x10, 0x00, 0x00, 0x21, 0x43, 0x65}, SW: apdu.SWOK}, nil
	})
	var b bytes.Buffer
	r := trace.Record(card, &b, trace.Options{Reveal: true})
	for _, c := range []apdu.Command{{INS: apdu.INSSelect, P1: 8, P2: 0x0C, Data: []byte{0x7F, 0x20, 0x6F, 0x07}}, {INS: apdu.INSReadBinary, Le: 9}} {
		if _, err := r.Transmit(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got := shown(explained(t, b.String(), false)); !strings.Contains(got, "MF/DF_GSM/EF_IMSI") || !strings.Contains(got, "IMSI 001***56") || strings.Contains(got, "2143650") {
		t.Error(got)
	}
}
