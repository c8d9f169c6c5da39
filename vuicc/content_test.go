package vuicc_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// Card content through the contacts. Commands and load files are bytes written here; of the host's packages only the secure channel is used.

const (
	domainAID  = "A000000151000000"
	selDomain  = "00A4040008" + domainAID + "00"
	packageAID = "F053494D42494E44"
	moduleAID  = "F053494D42494E4401"

	framework12 = "02 01 07 A0000000620101" // minor, major, AID
	access10    = "00 01 10 A0000000090005FFFFFFFF8911000000"
	toolkit10   = "00 01 10 A0000000090005FFFFFFFF8912000000"
	globalplat  = "00 01 06 A00000015100"

	// One timer, priority 01, full access to the trees of MF and ADF.USIM.
	fullAccess = "EA 24 80 08 0101000000000000 81 18 00 0100 00 10" + usim + "0100 00"
	// The applet's own: the AID of the ADF, and a first configuration (preset) with the pattern of terminal A.
	presetA     = "81 10" + usim + "E0 0C 80 01 02 81 07 49015420323751"
	application = "C9 20" + presetA
)

func strip(s string) string { return strings.ReplaceAll(s, " ", "") }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strip(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lv puts a length of one byte before each hex string.
func lv(fields ...string) string {
	var out string
	for _, f := range fields {
		f = strip(f)
		out += fmt.Sprintf("%02X", len(f)/2) + f
	}
	return out
}

// loadFile is a load file data block (Java Card VM specification chapter 6): name version 1.0, one applet for each module.
func loadFile(name string, modules []string, imports ...string) string {
	component := func(tag byte, body string) string {
		body = strip(body)
		return fmt.Sprintf("%02X%04X", tag, len(body)/2) + body
	}
	list := fmt.Sprintf("%02X", len(imports)) + strip(strings.Join(imports, ""))
	applets := fmt.Sprintf("%02X", len(modules))
	for _, m := range modules {
		applets += lv(m) + "0001"
	}
	parts := []string{
		component(1, "DECAFFED 0102 04 0001"+lv(name)), // Header
		component(4, list),                    // Import
		component(3, applets),                 // Applet
		component(6, ""),                      // Class
		component(7, "00"),                    // Method
		component(8, "0000000000000000 0000"), // StaticField
		component(5, "0000"),                  // ConstantPool
		component(9, "0000 0000"),             // RefLocation
	}
	sizes := strings.Repeat("0000", 11) + "0000 0000 0000" + fmt.Sprintf("%02X%02X", len(imports), len(modules)) + "00"
	return parts[0] + component(2, sizes) + strings.Join(parts[1:], "")
}

func bindingFile() string {
	return loadFile(packageAID, []string{moduleAID}, framework12, access10, toolkit10, globalplat)
}

// remote is a secure channel to the security domain of a card.
type remote struct {
	t testing.TB
	s *gp.Session
}

// administer selects the domain and opens a channel with the test key.
func administer(t testing.TB, c *vuicc.Card, level gp.Level) *remote {
	t.Helper()
	r, err := tryAdminister(t, c, level)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryAdminister(t testing.TB, c *vuicc.Card, level gp.Level) (*remote, error) {
	t.Helper()
	to := link(c)
	sel, err := apdu.Parse(unhex(t, selDomain))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.Transmit(context.Background(), sel); err != nil {
		return nil, err
	}
	s, err := gp.Open(context.Background(), to, gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}, gp.Options{Level: level})
	return &remote{t, s}, err
}

// send sends head (CLA INS P1 P2) with data and gives the answer as hex, or that the power went.
func (r *remote) send(head, data string) (string, error) {
	r.t.Helper()
	c, err := apdu.Parse(unhex(r.t, head+lv(data)+"00"))
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := r.s.Transmit(context.Background(), c)
	return fmt.Sprintf("%X%04X", answer.Data, uint16(answer.SW)), err
}

// want compares the answer.
func (r *remote) want(answer, head, data string) {
	r.t.Helper()
	got, err := r.send(head, data)
	if err != nil || got != answer {
		r.t.Fatalf("%s %s: %s, %v; want %s", head, data, got, err, answer)
	}
}

// load sends INSTALL [for load] and the blocks, and gives the last answer.
func (r *remote) load(name, block string) (string, error) {
	r.t.Helper()
	answer, err := r.send("80E60200", lv(name, "", "", "", ""))
	file := "C482" + fmt.Sprintf("%04X", len(block)/2) + block
	for n := 0; len(file) > 0 && err == nil && answer == "009000"; n++ {
		part := file[:min(360, len(file))]
		file = file[len(part):]
		p1 := "00"
		if file == "" {
			p1 = "80"
		}
		answer, err = r.send(fmt.Sprintf("80E8%s%02X", p1, n), part)
	}
	return answer, err
}

func (r *remote) loaded(name, block string) {
	r.t.Helper()
	if answer, err := r.load(name, block); err != nil || answer != "009000" {
		r.t.Fatalf("LOAD: %s, %v", answer, err)
	}
}

// install is the data of INSTALL [for install] for the module of the binding applet.
func install(instance, parameters string) string {
	return lv(packageAID, moduleAID, instance, "00", parameters, "")
}

// content reads an EF from outside.
func content(c *vuicc.Card, path string) string {
	for _, f := range c.Files() {
		if f.Path == path {
			return fmt.Sprintf("%X", f.Content)
		}
	}
	return ""
}

// visit is a start in a terminal with that IMEI; it tells whether the power went.
func visit(t testing.TB, c *vuicc.Card, imei string) (cut bool) {
	t.Helper()
	if _, err := c.PowerOn(); err != nil {
		t.Fatal(err)
	}
	profile, err := cat.NamedProfile("phone")
	if err != nil {
		t.Fatal(err)
	}
	_, err = cat.New(link(c), contacts{c}, cat.Config{Profile: profile, IMEI: imei, ADF: image.USIM()}).Boot(context.Background())
	if err != nil && !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	return err != nil
}

// TestContentOnABlankCard: load, install, select, personalize, a terminal that is refused, delete; on each protocol at each level.
func TestContentOnABlankCard(t *testing.T) {
	for name, levels := range map[string][]gp.Level{
		"no-applet":    {0x00, 0x01, 0x03},
		"no-applet-t1": {0x00, 0x01, 0x03, 0x11, 0x13, 0x33},
	} {
		for _, level := range levels {
			t.Run(fmt.Sprintf("%s/%02X", name, byte(level)), func(t *testing.T) { contentLife(t, name, level) })
		}
	}
}

func contentLife(t *testing.T, name string, level gp.Level) {
	c := powered(t, name)
	r := administer(t, c, level)
	before := content(c, "ADF1/6F07")
	r.want("6A88", "80F24002", "4F00")
	r.loaded(packageAID, bindingFile())
	r.want("009000", "80E60C00", install(moduleAID, application+fullAccess))
	r.want("E31E4F09"+moduleAID+"9F700107C503000000CC08"+domainAID+"9000", "80F24002", "4F09"+moduleAID+"5C054F9F70C5CC")
	r.want("E3274F08"+packageAID+"9F700101CE0201008409"+moduleAID+"CC08"+domainAID+"9000", "80F21002", "4F00")
	talk(t, c, "00A4040C09"+moduleAID, "9000", "80CA00E300", map[bool]string{true: "6C…", false: "E3…"}[c.T0()])

	r = administer(t, c, level)
	r.want("009000", "80E62000", lv("", "", moduleAID, "", "", ""))
	r.want("9000", "80E29000", "E0 0C 80 01 02 81 07 35209900176148")
	visit(t, c, imeiA)
	if got := content(c, "ADF1/6F07"); got != denialNone {
		t.Fatalf("EF_IMSI after a foreign terminal: %s", got)
	}
	r = administer(t, c, level)
	r.want("6985", "80E40000", "4F08"+packageAID)
	r.want("009000", "80E40080", "4F08"+packageAID)
	if got := content(c, "ADF1/6F07"); got != before {
		t.Errorf("EF_IMSI after DELETE: %s, was %s", got, before)
	}
	r.want("6A88", "80F24002", "4F00")
	r.want("6A88", "80F22002", "4F00")
	talk(t, c, "00A4040009"+moduleAID+"00", "6A82")
	if _, err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	talk(t, c, profile, "9000", "00A4040009"+moduleAID+"00", "6A82")
}
