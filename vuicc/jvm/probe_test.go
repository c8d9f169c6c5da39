package jvm_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simbind/simbind/applet"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/jvm"
	"github.com/simbind/simbind/vuicc/plug"
)

// A probe applet (testdata/probe) uses every service of the card, one command each.

var classes struct{ runtime, applet, probe string }

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "simbind-jvm-*")
	if err == nil {
		err = build(dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir string) error {
	b, err := jvm.Build(dir)
	if err != nil {
		return err
	}
	classes.runtime, classes.applet, classes.probe = b.Runtime, b.Applet, filepath.Join(dir, "probe")
	sources := filepath.Join(dir, "sources")
	if err := os.CopyFS(sources, applet.Sources); err != nil {
		return err
	}
	return jvm.CompileApplet(classes.probe, "testdata/probe", filepath.Join(sources, "api"))
}

func machine(t *testing.T) *jvm.Machine {
	t.Helper()
	m, err := jvm.New(classes.runtime)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

var module = image.Hex{0xF0, 1, 2, 3, 4}

// probing is a powered card with the probe in the place of the binding applet.
type probing struct {
	t    *testing.T
	m    *jvm.Machine
	card *vuicc.Card
	java plug.Applet // the last made
}

func (p *probing) option() vuicc.Option {
	create := p.m.Applet(classes.probe, "probe.Probe")
	return vuicc.WithModule(module, func(env plug.Env) plug.Applet {
		p.java = create(env)
		return p.java
	})
}

func probeImage(t *testing.T, parameters ...byte) image.Image {
	t.Helper()
	img, err := image.Get("usim-linked")
	if err != nil {
		t.Fatal(err)
	}
	img.ATR = image.Hex{0x3B, 0x80, 0x81, 0x01} // T=1: answers come in one piece
	img.Applets = img.Applets[:1]
	img.Applets[0].Module, img.Applets[0].Instance = module, module
	img.Applets[0].Application = append([]byte{0x00, byte(len(image.USIM()))}, image.USIM()...)
	if len(parameters) > 0 {
		img.Applets[0].Application = parameters
	}
	return img
}

func probe(t *testing.T) *probing {
	t.Helper()
	p := &probing{t: t, m: machine(t)}
	p.another()
	return p
}

// another takes a new card, on the same machine.
func (p *probing) another() {
	p.t.Helper()
	var err error
	if p.card, err = vuicc.New(probeImage(p.t), vuicc.WithRand(rand.New(rand.NewSource(1))), p.option()); err != nil {
		p.t.Fatal(err)
	}
	p.power()
}

// power is a reset and a selection.
func (p *probing) power() {
	p.t.Helper()
	if _, err := p.card.PowerOn(); err != nil {
		p.t.Fatal(err)
	}
	p.talk("00A4040005F001020304 00", "6F009000")
}

func (p *probing) say(command string) string {
	p.t.Helper()
	out, err := p.card.Process(bytesOf(p.t, command))
	if err != nil {
		return "mute"
	}
	return fmt.Sprintf("%X", out)
}

func bytesOf(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (p *probing) talk(pairs ...string) {
	p.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got, want := p.say(pairs[i]), strings.ReplaceAll(pairs[i+1], " ", ""); got != want {
			p.t.Errorf("%s answers %s, want %s", pairs[i], got, want)
		}
	}
}

// sound tells whether nothing was remarked and nothing broke.
func (p *probing) sound() {
	p.t.Helper()
	if r := p.m.Remarks(); len(r) > 0 || p.m.Err() != nil {
		p.t.Errorf("remarks %q, %v", r, p.m.Err())
	}
}

const (
	zeros   = "00000000000000000000000000000000"
	initial = zeros + "0000000000000000" + "00000000" + "010000000000" + "05" + "0000" + "00" + "07" + "00" + "02" + "22"
	changed = "005A0102000000007777770000000000" + "0000000012340000" + "00000001" + "010002560000" + "06" + "BEEF" + "01" + "08" + "01" + "09" + "22"
	written = "AA000000112233000000000000000000" + "ABCD000000000000" + "01000000" + "010000000100" + "05" + "1111" + "00" + "09" + "00" + "02" + "22"
)

func TestCommands(t *testing.T) {
	p := probe(t)
	p.talk("8020000003 AABBCC 00", "AABBCC009000", "80200000", "9000", "8020000000", "009000", "8099000000", "6D00",
		"0070000001", "019000", "01A4040005F001020304 00", "6985", // it is not multiselectable
		"8015000000", initial+"9000")
	p.sound()
}

// TestMemoryIsTheCards: what an applet stored is there after a reset, and in another Java virtual machine.
func TestMemoryIsTheCards(t *testing.T) {
	p := probe(t)
	before := p.card.NVM().Writes()
	p.talk("801B000000", "9000", "8015000000", changed+"9000")
	// 12 single stores, setShort as one, the fill byte by byte
	if got := p.card.NVM().Writes() - before; got != 12+1+3 {
		t.Errorf("%d writes", got)
	}
	p.power()
	p.talk("8015000000", changed+"9000")
	p.sound()

	path := filepath.Join(t.TempDir(), "card")
	card, err := vuicc.Create(path, probeImage(t), p.option())
	if err != nil {
		t.Fatal(err)
	}
	p.card = card
	p.power()
	p.talk("801B000000", "9000", "8016420000", "42429000")
	other := &probing{t: t, m: machine(t)}
	if other.card, err = vuicc.Open(path, other.option()); err != nil {
		t.Fatal(err)
	}
	other.power()
	other.talk("8015000000", changed+"9000", "8016000000", "00009000",
		"8017800006 7FFF 6F07 00 09 00", "0809101000002143659000") // views work, too
	other.talk("801B000000", "9000")
	other.sound()
}

// TestEveryCutInAChange: all stores up to the cut are there, the others are not, and none is torn.
func TestEveryCutInAChange(t *testing.T) {
	p := probe(t)
	start := p.card.NVM().Snapshot()
	var states []string
	for n := 1; n <= 17; n++ {
		for _, after := range []bool{false, true} {
			p.card.NVM().Restore(start)
			p.power()
			p.card.NVM().CutAt(n, after)
			got := p.say("801B000000")
			p.card.NVM().CutAt(0, false)
			if (got == "mute") != (n <= 16) {
				t.Fatalf("cut at %d: %s", n, got)
			}
			p.power()
			states = append(states, p.say("8015000000"))
		}
	}
	for i := 2; i < len(states); i += 2 {
		if states[i] != states[i-1] {
			t.Errorf("a cut before write %d leaves %s, after the one before %s", i/2+1, states[i], states[i-1])
		}
	}
	if states[0] != initial+"9000" || states[len(states)-1] != changed+"9000" {
		t.Errorf("from %s to %s", states[0], states[len(states)-1])
	}
	for i := 1; i < 32; i += 2 {
		if states[i] == states[i-1] {
			t.Errorf("write %d changes nothing", i/2+1)
		}
	}
	p.sound()
}

func TestTransactions(t *testing.T) {
	p := probe(t)
	p.talk("80240100", "9000", "8015000000", initial+"9000") // aborted
	writes := p.card.NVM().Writes()
	p.talk("80240300", "6F00", "80240200", "9000", "80240400", "6F00", "80240500", "6F00", "8015000000", initial+"9000")
	if got := p.card.NVM().Writes() - writes; got != 0 {
		t.Errorf("%d writes of transactions that were never committed", got)
	}
	want := "uncaught TransactionException 1;a transaction was left open;a transaction was left open;uncaught TransactionException 3;a transaction was left open;uncaught TransactionException 2"
	if got := withoutPlaces(p.m.Remarks()); got != want {
		t.Errorf("remarks %s", got)
	}
	for _, after := range []bool{false, true} {
		p.card.NVM().CutAt(1, after)
		p.talk("80240000", "mute")
		p.power()
		if want := map[bool]string{false: initial, true: written}[after]; p.say("8015000000") != want+"9000" {
			t.Errorf("after %v: %s", after, p.say("8015000000"))
		}
	}
	p.talk("80240600", "mute") // conditional and not conditional into one array
	if err := p.m.Err(); err == nil || !strings.Contains(err.Error(), "undefined") {
		t.Errorf("%v", err)
	}
}

// withoutPlaces drops file and line.
func withoutPlaces(remarks []string) string {
	var out []string
	for _, r := range remarks {
		head, _, _ := strings.Cut(r, " at ")
		out = append(out, head)
	}
	return strings.Join(out, ";")
}

// TestMemoryThatRefuses: the store fails with INTERNAL_FAILURE and the old value stands.
func TestMemoryThatRefuses(t *testing.T) {
	p := probe(t)
	p.card.NVM().FailAt(2)
	p.talk("8011000003 010203", "6F00", "8015000000", "01"+initial[2:]+"9000")
	p.card.NVM().FailAt(1)
	p.talk("80240000", "6F00", "8015000000", "01"+initial[2:]+"9000")
	if got := withoutPlaces(p.m.Remarks()); got != "uncaught TransactionException 4;uncaught TransactionException 4" {
		t.Errorf("remarks %s", got)
	}
}

// TestCopies: arrayCopy is one write, arrayCopyNonAtomic one a byte.
func TestCopies(t *testing.T) {
	p := probe(t)
	before := p.card.NVM().Writes()
	p.talk("8022000004 01020304", "9000")
	atomic := p.card.NVM().Writes() - before
	p.talk("8013040004 05060708", "9000", "8015000000", "0102030405060708"+initial[16:]+"9000")
	if bytewise := p.card.NVM().Writes() - before - atomic; atomic != 1 || bytewise != 4 {
		t.Errorf("%d and %d writes", atomic, bytewise)
	}
	p.card.NVM().CutAt(3, false)
	p.talk("8013000004 FFFFFFFF", "mute")
	p.power()
	p.talk("8015000000", "FFFF030405060708"+initial[16:]+"9000")
	p.sound()
}

func TestTransientMemory(t *testing.T) {
	p := probe(t)
	writes := p.card.NVM().Writes()
	p.talk("8016420000", "42429000", "8016000000", "42429000", "00A4040005F001020304 00", "6F009000")
	if got := p.card.NVM().Writes() - writes; got != 2 { // the log of deselect, and its length
		t.Errorf("%d writes", got)
	}
	p.talk("8016000000", "42009000")
	p.power()
	p.talk("8016000000", "00009000")
	if u, err := jvm.UsageOf(p.java); err != nil || u.TransientReset != 16 || u.TransientSelect != 8 || u.Persistent < 64+8+4+6+48 {
		t.Errorf("%+v, %v", u, err)
	}
	p.sound()
}

func TestFiles(t *testing.T) {
	p := probe(t)
	for _, x := range []struct{ command, answer string }{
		{"00 06 3F00 2FE2 00 0A", "988812010000400310F0"},
		{"80 06 7FFF 6F07 00 09", "080910100000214365"},
		{"81 08 7FFF 6F07 00 00 0899", ""},
		{"80 06 7FFF 6F07 00 09", "089910100000214365"},
		{"80 06 7FFF 6F07 05 09", "6F87"}, // out of file boundaries
		{"80 06 7FFF 6FAA 00 09", "6F84"}, // not found
		{"82 06 7FFF 6F07 01 09", "6F82"}, // not a record file
		{"86 06 7FFF 6F07 00 00", ""},
		{"80 06 7FFF 6F07 00 09", "6F86"}, // deactivated
		{"87 06 7FFF 6F07 00 00", ""},
		{"02 06 3F00 2F00 01 04", "61"},
		{"02 06 3F00 2F00 7F 04", "6F89"},
	} {
		raw := strings.ReplaceAll(x.command, " ", "")
		got := p.say("8017" + raw[:2] + "00" + raw[2:] + "00")
		if !strings.HasPrefix(got, x.answer) || x.answer == "" && got != "9000" {
			t.Errorf("%s answers %s, want %s", x.command, got, x.answer)
		}
	}
	p.sound()
}

// TestRecords writes one in part, and the oldest of a cyclic file.
func TestRecords(t *testing.T) {
	p := probe(t)
	p.talk("8017830009 7FFF 6FE4 01 02 AABBCC", "9000", "8017820006 7FFF 6FE4 01 06 00", "FFFFAABBCCFF9000")
	p.talk("801784000A 7FFF 6FF1 00 00 4F4BFFFF", "9000", "8017820006 7FFF 6FF1 01 04 00", "4F4BFFFF9000")
	p.talk("8017840009 7FFF 6FF1 00 00 4F4BFF", "6F88")
	p.sound()
}

// TestWrong: what a Java virtual machine would forgive, or tell otherwise, is told as a card tells it.
func TestWrong(t *testing.T) {
	for how, row := range map[byte]struct{ answer, remark string }{
		0:  {"6F00", "uncaught java.lang.ArrayIndexOutOfBoundsException: Array index out of range: 64 at Probe.java:"},
		1:  {"6F00", "uncaught java.lang.ArithmeticException"},
		2:  {"6F00", "uncaught java.lang.ClassCastException"},
		3:  {"6A81", ""},
		4:  {"6F00", "an object was allocated after installation"},
		5:  {"6F00", "uncaught java.lang.SecurityException"},
		8:  {"6F00", "uncaught java.lang.NullPointerException"},
		9:  {"6F00", "uncaught java.lang.ArrayStoreException"},
		10: {"6F00", "uncaught java.lang.SecurityException"},
		11: {"6F00", "uncaught ToolkitException 2 at Probe.java:"},
		12: {"6F00", "uncaught java.lang.SecurityException"},
		13: {"6F00", "uncaught TransactionException 42"},
		14: {"6F00", "uncaught java.lang.ArrayIndexOutOfBoundsException"},
	} {
		p := probe(t)
		p.talk(fmt.Sprintf("8018%02X00", how), row.answer)
		if got := strings.Join(p.m.Remarks(), "\n"); !strings.HasPrefix(got, row.remark) || row.remark == "" && got != "" {
			t.Errorf("%d: remarks %q", how, got)
		}
		state := p.say("8015000000")
		if how != 12 && state != initial+"9000" {
			t.Errorf("%d: state %s", how, state)
		}
		p.power()
		if again := p.say("8015000000"); again != state {
			t.Errorf("%d: %s, after a reset %s", how, state, again)
		}
	}
}

// TestRunaway: loops and recursion without end are ended, the card is mute and comes back with the next reset.
func TestRunaway(t *testing.T) {
	for how, why := range map[string]string{"06": "more than", "07": "stack"} {
		p := probe(t)
		p.talk("8018"+how+"00", "mute")
		if err := p.m.Err(); err == nil || !strings.Contains(err.Error(), "ran away") || !strings.Contains(err.Error(), why) {
			t.Errorf("%v", err)
		}
		p.power()
		p.talk("8015000000", initial+"9000")
	}
}

func TestInstallationThatFails(t *testing.T) {
	p := &probing{t: t, m: machine(t)}
	_, err := vuicc.New(probeImage(t, 0xEE), p.option())
	if err == nil || !strings.Contains(err.Error(), "6A80") {
		t.Errorf("%v", err)
	}
	long := bytes.Repeat([]byte{1}, 200)
	if _, err := vuicc.New(probeImage(t, long...), p.option()); err == nil || !strings.Contains(err.Error(), "6A80") {
		t.Errorf("%v", err)
	}
}

// TestMachineThatEnds: the card falls silent, and nobody waits.
func TestMachineThatEnds(t *testing.T) {
	p := probe(t)
	if err := p.m.Close(); err != nil {
		t.Fatal(err)
	}
	p.talk("8015000000", "mute")
	if _, err := p.card.PowerOn(); err != nil {
		t.Fatal(err)
	}
	p.talk("00A4040005F001020304 00", "mute")
	if p.m.Err() == nil {
		t.Error("nothing tells why")
	}
}

func TestNoJava(t *testing.T) {
	t.Setenv("PATH", "")
	t.Setenv("JAVA_HOME", "")
	if _, err := jvm.New(classes.runtime); err == nil || !strings.Contains(err.Error(), "openjdk-17-jdk-headless") {
		t.Errorf("%v", err)
	}
}
