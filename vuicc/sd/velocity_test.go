package sd

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/nvm"
)

// spoilt is an EXTERNAL AUTHENTICATE whose proof is wrong by one bit, in the cryptogram (0) or the MAC (15).
func (b *bench) spoilt(at int) apdu.Command {
	c := b.proof(0x01)
	c.Data[at] ^= 1
	return c
}

// TestVelocity: every failure counts once, whatever was wrong; at the limit the key set is blocked, the other one is not, and what
// is counted outlives a reset. Success takes failures back.
func TestVelocity(t *testing.T) {
	for _, kvn := range []byte{0x30, 0x20} {
		for _, at := range []int{0, 15} {
			b := newBench(t)
			for n := 1; n <= 2; n++ {
				b.want(apdu.SWOK, 0x50, kvn, 0, make([]byte, 8))
				if r := b.d.Process(b.spoilt(at)); r.SW != apdu.SWAuthenticationFailed {
					t.Fatal(r.SW)
				}
				if b.d.Failures(kvn) != n || b.d.Channel(0).Level() != 0 || b.d.sessions[0] != nil {
					t.Errorf("%d failures after %d, level %02X", b.d.Failures(kvn), n, b.d.Channel(0).Level())
				}
				b.open()
			}
			b.login(kvn, 0x01)
			if b.d.Failures(kvn) != 0 {
				t.Errorf("%d failures after success", b.d.Failures(kvn))
			}
			for range 3 {
				b.want(apdu.SWOK, 0x50, kvn, 0, make([]byte, 8))
				b.d.Process(b.spoilt(at))
			}
			b.want(apdu.SWBlocked, 0x50, kvn, 0, make([]byte, 8))
			b.login(kvn^0x10, 0x01)
		}
	}
}

// TestBlockedOnAnotherChannel: an INITIALIZE UPDATE from before the block is no way round it.
func TestBlockedOnAnotherChannel(t *testing.T) {
	b := newBench(t)
	b.want(apdu.SWOK, 0x50, 0x30, 0, make([]byte, 8))
	good := b.proof(0x01)
	for range 3 {
		b.process(0x81, 0x50, 0x30, 0, make([]byte, 8))
		if r := b.process(0x85, 0x82, 1, 0, make([]byte, 16)); r.SW != apdu.SWAuthenticationFailed {
			t.Fatal(r.SW)
		}
	}
	if r := b.d.Process(good); r.SW != apdu.SWBlocked {
		t.Errorf("%s", r.SW)
	}
}

// TestCutGivesNoFreeTry: the power goes at each write of an authentication in turn, before it and after. A wrong proof is counted unless
// the card had not begun to compare; the sequence counter of SCP02 never stands twice for two sessions that were open.
func TestCutGivesNoFreeTry(t *testing.T) {
	for _, after := range []bool{false, true} {
		b := newBench(t)
		b.want(apdu.SWOK, 0x50, 0x30, 0, make([]byte, 8))
		c := b.spoilt(0)
		b.mem.CutAt(1, after)
		if !cut(t, func() { b.d.Process(c) }) {
			t.Fatal("the power was not cut")
		}
		b.open()
		if want := map[bool]int{false: 0, true: 1}[after]; b.d.Failures(0x30) != want {
			t.Errorf("after %v: %d failures", after, b.d.Failures(0x30))
		}
	}
	for n := 1; n <= 3; n++ {
		b := newBench(t)
		b.want(apdu.SWOK, 0x50, 0x20, 0, make([]byte, 8))
		c := b.proof(0x00)
		b.mem.CutAt(n, true)
		if !cut(t, func() { b.d.Process(c) }) {
			t.Fatal("the power was not cut")
		}
		b.open()
		used := b.d.sequence(b.d.keys[1])[1]
		if n >= 2 && used != 1 || n < 2 && used != 0 {
			t.Errorf("cut after write %d: sequence %d", n, used)
		}
	}
}

// TestMemoryRefusesTheCount: a failure that cannot be counted is not compared at all.
func TestMemoryRefusesTheCount(t *testing.T) {
	b := newBench(t)
	b.want(apdu.SWOK, 0x50, 0x30, 0, make([]byte, 8))
	good := b.proof(0x01)
	b.mem.FailAt(1)
	if r := b.d.Process(good); r.SW != apdu.SWMemory || b.d.Channel(0).Level() != 0 {
		t.Errorf("%s, level %02X", r.SW, b.d.Channel(0).Level())
	}
}

// TestAnAppletCannotTakeBackAFailure: counters are written beside the transaction of an applet.
func TestAnAppletCannotTakeBackAFailure(t *testing.T) {
	b := newBench(t)
	b.want(apdu.SWOK, 0x50, 0x30, 0, make([]byte, 8))
	if err := b.mem.Begin(); err != nil {
		t.Fatal(err)
	}
	b.d.Channel(0).Security(b.spoilt(0))
	b.mem.Abort()
	if b.d.Failures(0x30) != 1 {
		t.Errorf("%d failures", b.d.Failures(0x30))
	}
}

// TestSequences: SCP02 counts sessions that were opened, SCP03 every INITIALIZE UPDATE with a pseudo-random challenge; at the end of a
// counter the key set is of no more use.
func TestSequences(t *testing.T) {
	b := newBench(t)
	seen := map[string]bool{}
	for range 3 {
		r := b.want(apdu.SWOK, 0x50, 0x30, 0, make([]byte, 8))
		if seen[string(r.Data[13:21])] || len(r.Data) != 32 {
			t.Errorf("challenge %X again", r.Data[13:21])
		}
		seen[string(r.Data[13:21])] = true
		if got := b.want(apdu.SWOK, 0xCA, 0, 0xC1, nil); !bytes.Equal(got.Data[2:], r.Data[29:]) {
			t.Errorf("C1 %X, answer %X", got.Data, r.Data[29:])
		}
	}
	for n := range byte(2) {
		if r := b.want(apdu.SWOK, 0x50, 0x20, 0, make([]byte, 8)); r.Data[13] != n {
			t.Errorf("sequence %X, want %d", r.Data[12:14], n)
		}
		b.want(apdu.SWOK, 0x50, 0x20, 0, make([]byte, 8)) // no session: the counter stands
		b.login(0x20, 0x03)
	}
	for kvn, end := range map[byte][]byte{0x30: {0xFF, 0xFF, 0xFF}, 0x20: {0xFF, 0xFF}} {
		if err := b.mem.PutNow(counter(kvn, "sequence"), end); err != nil {
			t.Fatal(err)
		}
		b.want(apdu.SWConditions, 0x50, kvn, 0, make([]byte, 8))
	}
}

// TestLevels: what EXTERNAL AUTHENTICATE accepts for each parameter i.
func TestLevels(t *testing.T) {
	for _, row := range []struct {
		protocol, i byte
		levels      []byte
	}{
		{2, 0x15, []byte{0x00, 0x01, 0x03}},
		{2, 0x55, []byte{0x00, 0x01, 0x03}},
		{3, 0x00, []byte{0x00, 0x01, 0x03}},
		{3, 0x10, []byte{0x00, 0x01, 0x03}},
		{3, 0x20, []byte{0x00, 0x01, 0x03, 0x11, 0x13}},
		{3, 0x60, []byte{0x00, 0x01, 0x03, 0x11, 0x13, 0x33}},
		{3, 0x70, []byte{0x00, 0x01, 0x03, 0x11, 0x13, 0x33}},
	} {
		for level := range 256 {
			b := &bench{T: t, mem: nvm.New(), rt: &shelf{}}
			cfg := cfgOf()
			cfg.Keys = []KeySet{{KVN: 1, Protocol: row.protocol, I: row.i, ENC: testKey, MAC: testKey, DEK: testKey}}
			d, err := New(b.mem, cfg, b.rt)
			if err != nil {
				t.Fatal(err)
			}
			b.d = d
			b.want(apdu.SWOK, 0x50, 0, 0, make([]byte, 8))
			ok := b.d.Process(b.proof(byte(level))).SW == apdu.SWOK
			if ok != bytes.Contains(row.levels, []byte{byte(level)}) {
				t.Errorf("SCP%02X i=%02X level %02X: %v", row.protocol, row.i, level, ok)
			}
		}
	}
}

// TestConfigurations that are no card.
func TestConfigurations(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"AID":           func(c *Config) { c.AID = []byte{1, 2, 3} },
		"KDD":           func(c *Config) { c.KDD = []byte{1} },
		"CPLC":          func(c *Config) { c.CPLC = []byte{1} },
		"velocity":      func(c *Config) { c.Velocity = 300 },
		"command data":  func(c *Config) { c.MaxData = 256 },
		"version twice": func(c *Config) { c.Keys[1].KVN = c.Keys[0].KVN },
		"version 00":    func(c *Config) { c.Keys[0].KVN = 0 },
		"i":             func(c *Config) { c.Keys[0].I = 0x40 },
		"protocol":      func(c *Config) { c.Keys[0].Protocol = 1 },
		"key":           func(c *Config) { c.Keys[0].DEK = []byte{1} },
	} {
		cfg := cfgOf()
		change(&cfg)
		if _, err := New(nvm.New(), cfg, quiet{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestMemoryAlone: a domain opened again is the one that was made, whatever the configuration says then; a memory that holds something
// else is refused.
func TestMemoryAlone(t *testing.T) {
	b := installed(t)
	d, err := New(b.mem, Config{AID: []byte{9, 9, 9, 9, 9}, Velocity: 1, Rand: bytes.NewReader(nil)}, b.rt)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.AID(), DefaultAID) || d.fixed.Velocity != 3 || len(d.keys) != 2 || len(d.Instances()) != 1 || len(d.LoadFiles()) != 1 {
		t.Errorf("%+v", d.fixed)
	}
	for _, cell := range []string{identityCell, keysCell, registryCell} {
		mem := nvm.New()
		mem.Restore(b.mem.Snapshot())
		if err := mem.PutNow(cell, []byte(`{"AID":"AA=="}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := New(mem, cfgOf(), b.rt); (err == nil) != (cell == registryCell) {
			t.Errorf("%s: %v", cell, err)
		}
	}
}

// TestKeysAreNotPrinted under any verb.
func TestKeysAreNotPrinted(t *testing.T) {
	cfg := cfgOf()
	keys, err := importKeys(cfg.Keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{cfg.Keys[0], cfg.Keys, keys[0], keys, keys[0].Keys[0]} {
			out := strings.ToUpper(fmt.Sprintf(verb, v))
			for _, leak := range []string{"ABCDEFG", "41424344", "65 66 67", "0X41, 0X42"} {
				if strings.Contains(out, leak) {
					t.Errorf("%s prints %s", verb, out)
				}
			}
		}
	}
}
