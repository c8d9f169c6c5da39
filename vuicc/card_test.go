package vuicc_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/nvm"
)

// powered makes a card from an image, as changed by edit, and powers it.
func powered(t testing.TB, name string, opts ...vuicc.Option) *vuicc.Card {
	t.Helper()
	img, err := image.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := vuicc.New(img, append([]vuicc.Option{vuicc.WithRand(rand.New(rand.NewSource(1)))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PowerOn(); err != nil {
		t.Fatal(err)
	}
	return c
}

// say sends hex and gives the answer as hex.
func say(t testing.TB, c *vuicc.Card, command string) string {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(command, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Process(raw)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return strings.ToUpper(hex.EncodeToString(out))
}

// talk is pairs of command and expected answer; an answer that ends with … is a beginning.
func talk(t *testing.T, c *vuicc.Card, pairs ...string) {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		got, want := say(t, c, pairs[i]), pairs[i+1]
		head, open := strings.CutSuffix(want, "…")
		if got != want && !(open && strings.HasPrefix(got, head)) {
			t.Fatalf("> %s\n< %s\nwant %s", pairs[i], got, want)
		}
	}
}

const (
	usim    = "A0000000871002FFFFFFFF8907090000"
	selUSIM = "00A4040410" + usim + "00"
	verify1 = "0020000108 31323334FFFFFFFF"
	verifyA = "0020000A08 3838383838383838"
	wrongA  = "0020000A08 3838383838383839"
)

// TestFCPIsAsOnRealCards: bytes of testdata/vectors/fcp.json.
func TestFCPIsAsOnRealCards(t *testing.T) {
	talk(t, powered(t, "usim-only"), "00A4040410"+usim, "6143", "00A4000402 6F07", "6119", "00C0000019",
		"62178202412183026F078A01058B036F060A800200098801389000")
	talk(t, powered(t, "usim-linked"), selUSIM, "62…",
		"00A4000402 6F07 00", "62278202412183026F07A50EC001009B063F007F206F07CA01808A01058B036F060A800200098801389000")
}

// TestT0Manner: case 4 waits behind 61XX, a wrong Le is told by 6CXX, GET RESPONSE belongs to its channel.
func TestT0Manner(t *testing.T) {
	c := powered(t, "no-applet")
	talk(t, c,
		"00A4080402 2FE2", "6119",
		"00C0000005", "6217820241"+"6114",
		"00C0000014", "21…",
		"00C0000001", "6985",
		"00B0000000", "6C0A",
		"00B0000009", "988812010000500380"+"9000",
		"00B000000A", "98881201000050038011"+"9000",
		"00B0000A01", "6B00",
		"00B0000B01", "6B00",
		"00A4080402 2FE2", "6119",
		"00C0000020", "6C19",
		"00C0000019", "62…",
		"00A4080402 2FE2", "6119",
		"80F2000C", "9000",
		"00C0000019", "6985", // another command came between
	)
}

func TestT1Manner(t *testing.T) {
	c := powered(t, "usim-linked")
	talk(t, c,
		"00A4080402 2FE2 00", "62…",
		"00B000000A", "988812010000400310F0"+"9000",
		"00B0000000", "988812010000400310F0"+"9000",
		"00B0000014", "988812010000400310F0"+"6282",
		"00A4080402 2FE2", "9000",
		"00A4080C02 2FE2", "9000",
		"00C0000010", "6D00",
	)
}

func TestStatusWordsOfFileCommands(t *testing.T) {
	c := powered(t, "usim-linked")
	talk(t, c,
		"00A4000402 6FFF 00", "6A82",
		"00A4060402 3F00 00", "6A86",
		"00A4000403 3F0000 00", "6700",
		"00A4040405 A000000000 00", "6A82",
		"00B0000001", "6986", // no EF selected
		"00B0FF0001", "6A86", // SFI 1F
		"00B09D0001", "6A82", // no such SFI
		"00B2010400", "6986",
		"00A4000402 2F00 00", "62…",
		"00B0000001", "6981", // a record file
		"00B2010426", "61184F10…",
		"00B2010400", "61184F10…",
		"00B2010401", "6700",
		"00B2040426", "6A83",
		"00B20002 26", "61184F10A0000000871002…", // next: the first
		"00B20002 26", "61184F10A0000000871004…",
		"00B20003 26", "61184F10A0000000871002…", // previous
		"00DC010426"+strings.Repeat("FF", 38), "6982",
		"00A4000402 2FE2 00", "62…",
		"00D6000001 00", "6982", // EF_ICCID is never updated
		"B0B0000001", "6E00",
		"00FE000000", "6D00",
		"A0A4000002 3F00", "6E00",
		"0076000000", "6E00",
		"8076000000", "6985",
		"00A40004", "6700",
	)
}

// TestSelection: by identifier, parent, path, path from the current ADF, AID in full and in part, next occurrence.
func TestSelection(t *testing.T) {
	c := powered(t, "usim-linked")
	talk(t, c,
		"00A4000402 7F20 00", "62…",
		"00A4000402 6F07 00", "62168202412183026F078A01058B032F060A80020009880090…",
		"00A4030400", "62…", // parent
		"00A4080404 7F206F07 00", "62…",
		"00A4090402 6F07 00", "62…",
		"00A4040407 A0000000871002 00", "62418202782183027FD08410"+usim+"…",
		"00A4080404 7FFF6F07 00", "62278202412183026F07…",
		"00A4080406 7FFF5FC04F01 00", "62…",
		"00A4000402 7FFF 00", "62…",
		"00A4040405 A000000087 00", "62…",
		"00A4040605 A000000087 00", "62…", // next occurrence: the ISIM
		"80F2000100", "8410A0000000871004FFFFFFFF89070900009000",
	)
}

// TestAccess: EF_IMSI is read with PIN1 and written with ADM1; a reset forgets both.
func TestAccess(t *testing.T) {
	c := powered(t, "usim-separate")
	talk(t, c,
		"00A4040410"+usim, "61…",
		"00B0870009", "6982",
		"00200001", "63C3",
		"0020000108 31323335FFFFFFFF", "63C2",
		"00200001", "63C2",
		verify1, "9000",
		"00200001", "9000",
		"00B0870009", "0809100001103254769000",
		"00D6000009 080910100000214365", "6982",
		verifyA, "9000",
		"00D6000009 080910100000214365", "9000",
		"00B0000009", "0809101000002143659000",
	)
	if _, err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	talk(t, c, "00A4040410"+usim, "61…", "00B0870009", "6982", "00200001", "63C3")
}

func TestPINBlocksAndUnblocks(t *testing.T) {
	c := powered(t, "usim-separate")
	const wrong = "0020000108 30303030FFFFFFFF"
	talk(t, c, wrong, "63C2", wrong, "63C1", wrong, "63C0", wrong, "6983", verify1, "6983", "00200001", "6983",
		"002C0001", "63CA",
		"002C000110 3030303030303030 34333231FFFFFFFF", "63C9",
		"002C000110 3132333435363738 34333231FFFFFFFF", "9000",
		"0024000110 34333231FFFFFFFF 31313131FFFFFFFF", "9000",
		"0026000108 31313131FFFFFFFF", "9000",
		"0026000108 31313131FFFFFFFF", "6984",
		"0028000108 31313131FFFFFFFF", "9000",
		"0020000108 3131", "6700",
		"0020000308 31313131FFFFFFFF", "6A88",
		"002C000A", "6A88", // ADM1 has no PUK
		wrongA, "63C2", wrongA, "63C1", wrongA, "63C0", verifyA, "6983")
}

// TestPINCounterIsTearSafe: power cut at any write of a wrong VERIFY never gives a try back.
func TestPINCounterIsTearSafe(t *testing.T) {
	for _, after := range []bool{false, true} {
		c := powered(t, "usim-separate")
		talk(t, c, "00200001", "63C3")
		c.NVM().CutAt(1, after)
		raw, _ := hex.DecodeString("002000010830303030FFFFFFFF")
		if _, err := c.Process(raw); err == nil {
			t.Fatal("the power was not cut")
		}
		if _, err := c.Process(raw); err == nil {
			t.Fatal("a card without power answers")
		}
		if _, err := c.PowerOn(); err != nil {
			t.Fatal(err)
		}
		want := "63C3"
		if after {
			want = "63C2"
		}
		talk(t, c, "00200001", want)
	}
}

// TestEveryCutLeavesAWholeFile: UPDATE BINARY, cut before and after its write, leaves old or new content, never half.
func TestEveryCutLeavesAWholeFile(t *testing.T) {
	const old, fresh = "080910100000214365", "082926101160845740"
	for _, after := range []bool{false, true} {
		c := powered(t, "usim-only")
		talk(t, c, "00A4040410"+usim, "61…", verifyA, "9000", "00B0870009", old+"9000")
		c.NVM().CutAt(1, after)
		raw, _ := hex.DecodeString("00D6000009" + fresh)
		if _, err := c.Process(raw); err == nil {
			t.Fatal("the power was not cut")
		}
		if _, err := c.PowerOn(); err != nil {
			t.Fatal(err)
		}
		want := old
		if after {
			want = fresh
		}
		talk(t, c, "00A4040410"+usim, "61…", "00B0870009", want+"9000")
	}
}

func TestFailingMemory(t *testing.T) {
	c := powered(t, "usim-only")
	talk(t, c, "00A4040410"+usim, "61…", verifyA, "9000", "00B0870009", "08…")
	c.NVM().FailAt(1)
	talk(t, c, "00D6000009 082926101160845740", "6581", "00B0000009", "0809101000002143659000")
}

// TestLinkedFile: what is written by one path shows by the other.
func TestLinkedFile(t *testing.T) {
	c := powered(t, "usim-linked")
	talk(t, c, selUSIM, "62…", verifyA, "9000", "00B0870009", "08…", "00D6000009 082926101160845740", "9000",
		"00A4080404 7F206F07 00", "62…", "00B0000009", "0829261011608457409000")
}

func TestDeactivatedFile(t *testing.T) {
	c := powered(t, "usim-only")
	talk(t, c, "00A4040410"+usim, "61…", verifyA, "9000", "00B0870009", "08…", "00040000", "9000", "00B0000009", "6984",
		"00A4000402 6F07", "6283", "00C0000000", "6C19", "00C0000019", "6217…", "00B0000009", "6984", "00440000", "9000", "00B0000009", "08…")
}

// TestChannels: each has its own current file; a closed one is refused.
func TestChannels(t *testing.T) {
	c := powered(t, "usim-linked")
	talk(t, c,
		"01B0000001", "6881",
		"0070000001", "019000", "0070000001", "029000", "0070000001", "039000", "0070000001", "6A81",
		"02A4000402 2FE2 00", "62…",
		"02B000000A", "98…",
		"01B000000A", "6986",
		"00B000000A", "6986",
		"00708002", "9000",
		"02B000000A", "6881",
		"00708000", "6A86",
		"44B0000001", "6881")
}

func TestCyclicFile(t *testing.T) {
	c := powered(t, "usim-linked")
	talk(t, c, selUSIM, "62…", verifyA, "9000", "00A4000402 6FF1 00", "62…",
		"00DC000304 4F4BFFFF", "9000", "00DC000304 4B4FFFFF", "9000",
		"00B2010404", "4B4FFFFF9000", "00B2020404", "4F4BFFFF9000", "00B2050404", "6A83",
		"00DC010404 4F4BFFFF", "6A86",
		"00A2010402 4F4B", "9000", "00A2010402 4F4B 00", "029000", "00A2010402 5555 00", "6282")
}

// TestTheFileIsTheCard: everything written survives in the file, volatile state does not.
func TestTheFileIsTheCard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card.json")
	img, err := image.Get("usim-separate")
	if err != nil {
		t.Fatal(err)
	}
	if img, err = img.With("8988211320300000028", "001001001234560"); err != nil {
		t.Fatal(err)
	}
	c, err := vuicc.Create(path, img)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PowerOn(); err != nil {
		t.Fatal(err)
	}
	talk(t, c, "0020000108 30303030FFFFFFFF", "63C2", verifyA, "9000", "00A4040410"+usim, "61…", "00B0870009", "6982",
		"00D6870009 082926101160845740", "9000")
	if c, err = vuicc.Open(path); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PowerOn(); err != nil {
		t.Fatal(err)
	}
	talk(t, c, "00200001", "63C2", verify1, "9000", "00B082000A", "988812310203000020F89000",
		"00A4040410"+usim, "61…", "00B0870009", "0829261011608457409000", "00D6870009 082926101160845740", "6982",
		"00A4080404 7F206F07", "61…", "00B0000009", "0809100001103254069000")
	if _, err := vuicc.Create(path, img); err == nil {
		t.Error("a card was made over another")
	}
}

func TestMute(t *testing.T) {
	c := powered(t, "no-applet")
	c.PowerOff()
	if _, err := c.Process([]byte{0x00, 0xA4, 0x00, 0x04}); err == nil {
		t.Error("a card without power answers")
	}
	if _, err := c.Reset(); err == nil {
		t.Error("a card without power resets")
	}
}

// TestClock: 10 + 2 bytes at 115200 bit/s and 12 bits a byte, and a page write, are exact.
func TestClock(t *testing.T) {
	c := powered(t, "no-applet", vuicc.WithTiming(vuicc.Timing{BitRate: 115200, Overhead: time.Millisecond, Page: 4, Write: 3 * time.Millisecond}))
	talk(t, c, "00B082000A", "98…")
	want := time.Millisecond + bytesAt(5) + bytesAt(12)
	if got := c.Elapsed(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	before := c.Elapsed()
	talk(t, c, verifyA, "9000") // the counter is written down and up again
	if got, want := c.Elapsed()-before, time.Millisecond+bytesAt(13)+bytesAt(2)+6*time.Millisecond; got != want {
		t.Errorf("VERIFY %s, want %s", got, want)
	}
}

func bytesAt(n int) time.Duration { return time.Duration(n) * 12 * time.Second / 115200 }

// TestImages: every image makes a card that starts, with an ATR whose TCK is right and EF_DIR, EF_ICCID readable.
func TestImages(t *testing.T) {
	for _, name := range image.Names() {
		t.Run(name, func(t *testing.T) {
			c := powered(t, name)
			atr, err := c.Reset()
			if err != nil {
				t.Fatal(err)
			}
			var x byte
			for _, b := range atr[1:] {
				x ^= b
			}
			if x != 0 {
				t.Errorf("TCK of %X", atr)
			}
			talk(t, c, "00B082000A", "98…", "00B201F400", map[bool]string{true: "6C26", false: "61184F10…"}[c.T0()])
		})
	}
}

func FuzzProcess(f *testing.F) {
	for _, s := range []string{"00A40004023F00", "00B082000A", "002000010831323334FFFFFFFF", "80100000020000", "8050000008000102030405060700", "00A4040409F053494D42494E4401", "80CA00E100", "0070000001", "84E2900010"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := powered(t, "usim-linked")
		for len(b) > 0 {
			n := min(len(b), 1+int(b[0])%64)
			out, err := c.Process(b[:n])
			if err != nil || len(out) < 2 || len(out) > apdu.MaxLe+2 {
				t.Fatalf("answer of %d bytes, %v", len(out), err)
			}
			b = b[n:]
		}
	})
}

// FuzzOpen opens a file that may hold anything: it is refused, or it is a card that answers.
func FuzzOpen(f *testing.F) {
	for _, name := range []string{"usim-linked", "usim-separate", "no-applet"} {
		img, err := image.Get(name)
		if err != nil {
			f.Fatal(err)
		}
		path := filepath.Join(f.TempDir(), "card")
		if _, err := vuicc.Create(path, img); err != nil {
			f.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		var cells map[string][]byte
		if err := json.Unmarshal(raw, &cells); err != nil {
			f.Fatal(err)
		}
		f.Add(cells["image"], "file/ADF1/6F07", []byte{1, 2, 3})
		f.Add(cells["image"], "sd/keys", []byte("[]"))
		f.Add(cells["image"], "sd/registry", cells["sd/registry"])
		f.Add(cells["image"], "applet/f053494d42494e4401/m/configuration", []byte{0x80, 0x01})
		f.Add(cells["image"], "applet/f053494d42494e4401/toolkit", []byte("{}"))
	}
	f.Add([]byte(`{"ATR":"3B"}`), "pin/01/left", []byte{9})
	f.Fuzz(func(t *testing.T, img []byte, cell string, content []byte) {
		mem := nvm.New()
		if err := errors.Join(mem.Put("image", img), mem.Put(cell, content)); err != nil {
			t.Fatal(err)
		}
		c, err := vuicc.FromMemory(mem)
		if err != nil {
			return
		}
		if _, err := c.PowerOn(); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"00B082000A", "00A4040007A000000087100200", "00B0870009", "00A4040009F053494D42494E440100", "801000000402000000", "0020000108 31323334FFFFFFFF"} {
			raw, _ := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
			if out, err := c.Process(raw); err != nil || len(out) < 2 {
				t.Fatalf("%s: %X, %v", s, out, err)
			}
		}
	})
}
