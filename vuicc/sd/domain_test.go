package sd

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/nvm"
)

// quiet is a card that takes no content.
type quiet struct{}

func (quiet) Personalize([]byte, apdu.Command) apdu.Response { return apdu.Response{SW: apdu.SWOK} }

// shelf is a card that takes content and writes down what it is asked.
type shelf struct {
	modules       [][]byte
	has           []Package // the platform's packages
	free          int
	refuse        error // of Install
	keep          []byte
	said          []string
	parameters    InstallParameters
	personalizing apdu.Command
}

func (s *shelf) Personalize(aid []byte, c apdu.Command) apdu.Response {
	s.said, s.personalizing = append(s.said, "personalize"), c
	return apdu.Response{Data: aid, SW: apdu.SWOK}
}
func (s *shelf) Modules([]byte) [][]byte { return s.modules }
func (s *shelf) Missing(imports []Package) []Package {
	return slices.DeleteFunc(slices.Clone(imports), func(p Package) bool {
		return slices.ContainsFunc(s.has, func(h Package) bool { return h.Satisfies(p) })
	})
}
func (s *shelf) Free() (int, int) { return s.free, s.free }
func (s *shelf) Install(i Instance, p InstallParameters) error {
	s.said, s.parameters = append(s.said, "install"), p
	return s.refuse
}
func (s *shelf) Uninstall(aid []byte) error {
	s.said = append(s.said, "uninstall")
	if bytes.Equal(aid, s.keep) {
		return apdu.SWConditions
	}
	return nil
}
func (s *shelf) Drop([]byte) { s.said = append(s.said, "drop") }

var (
	_ Memory    = (*nvm.Store)(nil)
	_ Installer = (*shelf)(nil)
)

var (
	testKey    = []byte("@ABCDEFGHIJKLMNO")
	packageAID = []byte{0xF0, 1, 2, 3, 4, 5}
	moduleAID  = []byte{0xF0, 1, 2, 3, 4, 5, 1}
	appAID     = []byte{0xF0, 1, 2, 3, 4, 5, 2}
	platform   = Package{AID: []byte{0xA0, 0, 0, 0, 0x62, 1, 1}, Major: 1, Minor: 3}
)

// bench is a domain, its memory and its card.
type bench struct {
	*testing.T
	mem *nvm.Store
	d   *Domain
	rt  *shelf
}

func cfgOf() Config {
	return Config{
		Velocity: 3, Rand: bytes.NewReader(make([]byte, 1<<16)), CPLC: bytes.Repeat([]byte{0x11}, 42),
		Keys: []KeySet{
			{KVN: 0x30, Protocol: 3, I: 0x70, ENC: testKey, MAC: testKey, DEK: testKey},
			{KVN: 0x20, Protocol: 2, I: 0x15, ENC: testKey, MAC: testKey, DEK: testKey},
		},
	}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, mem: nvm.New(), rt: &shelf{modules: [][]byte{moduleAID}, has: []Package{platform}, free: 4096}}
	b.open()
	return b
}

// open makes the domain over its memory, as at power-on in a new process.
func (b *bench) open() {
	b.Helper()
	d, err := New(b.mem, cfgOf(), b.rt)
	if err != nil {
		b.Fatal(err)
	}
	b.d = d
}

// login opens a session at a level on channel 0 with the keys of this bench; the proof is made here, from the session keys of the
// card: what a host must compute is held by the recorded sessions.
func (b *bench) login(kvn, level byte) {
	b.Helper()
	if r := b.process(0x80, 0x50, kvn, 0, make([]byte, 8)); r.SW != apdu.SWOK {
		b.Fatal(r.SW)
	}
	if r := b.d.Process(b.proof(level)); r.SW != apdu.SWOK {
		b.Fatal(r.SW)
	}
}

// proof is the EXTERNAL AUTHENTICATE that the waiting session accepts.
func (b *bench) proof(level byte) apdu.Command {
	b.Helper()
	s := b.d.sessions[0]
	host, err := s.hostCryptogram()
	if err != nil {
		b.Fatal(err)
	}
	head := append([]byte{0x84, 0x82, level, 0, 16}, host...)
	var mac []byte
	switch p := s.protocol.(type) {
	case *scp03:
		mac, err = crypt.CMAC(p.mac, concat(p.chain, head))
	case *scp02:
		mac, err = crypt.RetailMAC(p.mac, nil, head)
	}
	if err != nil {
		b.Fatal(err)
	}
	return apdu.Command{CLA: 0x84, INS: 0x82, P1: level, Data: concat(host, mac[:8])}
}

func (b *bench) process(cla, ins, p1, p2 byte, data []byte) apdu.Response {
	return b.d.Process(apdu.Command{CLA: cla, INS: ins, P1: p1, P2: p2, Data: data, Le: 256})
}

// want runs a command of class 80 and compares the status word.
func (b *bench) want(sw apdu.SW, ins, p1, p2 byte, data []byte) apdu.Response {
	b.Helper()
	r := b.process(0x80, ins, p1, p2, data)
	if r.SW != sw {
		b.Fatalf("%02X %02X %02X %X: %s, want %s", ins, p1, p2, data, r.SW.String(), sw.String())
	}
	return r
}

func lv(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(append(out, byte(len(p))), p...)
	}
	return out
}

// capFile is a load file data block: Header, Applet, Import.
func capFile(aid []byte, modules [][]byte, imports ...Package) []byte {
	component := func(tag byte, body []byte) []byte {
		return append([]byte{tag, byte(len(body) >> 8), byte(len(body))}, body...)
	}
	info := func(p Package) []byte { return append([]byte{p.Minor, p.Major}, lv(p.AID)...) }
	flags := byte(0)
	if len(modules) > 0 {
		flags = flagApplet
	}
	out := component(1, concat(capMagic, []byte{1, 2, flags}, info(Package{AID: aid, Major: 1, Minor: 2})))
	list := []byte{byte(len(imports))}
	for _, p := range imports {
		list = append(list, info(p)...)
	}
	out = append(out, component(4, list)...)
	if len(modules) > 0 {
		body := []byte{byte(len(modules))}
		for _, m := range modules {
			body = append(append(body, lv(m)...), 0, 0)
		}
		out = append(out, component(3, body)...)
	}
	return out
}

// loads sends a load file in blocks of a size and gives the answer of the last that was sent.
func (b *bench) loads(aid, block, hash []byte, size int) apdu.SW {
	b.Helper()
	if r := b.process(0x80, apdu.INSInstall, 0x02, 0, lv(aid, nil, hash, nil, nil)); r.SW != apdu.SWOK {
		return r.SW
	}
	file := tlv.Encode(0xC4, block)
	for n := byte(0); ; n++ {
		part, last := file[:min(size, len(file))], byte(0)
		if file = file[len(part):]; len(file) == 0 {
			last = 0x80
		}
		r := b.process(0x80, apdu.INSLoad, last, n, part)
		if r.SW != apdu.SWOK || last != 0 {
			return r.SW
		}
	}
}

// installed has one load file and one instance on it.
func installed(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.login(0x30, 0x00)
	block := capFile(packageAID, [][]byte{moduleAID}, platform)
	hash := sha256.Sum256(block)
	if sw := b.loads(packageAID, block, hash[:], 20); sw != apdu.SWOK {
		t.Fatal(sw)
	}
	b.want(apdu.SWOK, apdu.INSInstall, 0x0C, 0, lv(packageAID, moduleAID, appAID, []byte{0x00}, []byte{0xC9, 0x00}, nil))
	return b
}

// cut runs f and tells whether the power went inside.
func cut(t testing.TB, f func()) (lost bool) {
	t.Helper()
	defer func() {
		switch p := recover().(type) {
		case nil:
		case nvm.PowerLoss:
			lost = true
		default:
			panic(p)
		}
	}()
	f()
	return false
}

var errSomething = errors.New("something")
