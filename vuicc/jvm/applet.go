package jvm

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/nvm"
	"github.com/simbind/simbind/vuicc/plug"
)

// Applet gives what a module runs as: a class that extends javacard.framework.Applet, its package compiled into a folder.
func (m *Machine) Applet(classes, class string) plug.New {
	return func(env plug.Env) plug.Applet {
		a := &applet{m: m, env: env, classes: classes, class: class, number: m.next(&m.cards)}
		a.memory = memory{env: env, mirror: map[uint16][]byte{}}
		runtime.AddCleanup(a, m.forget, a.number)
		return a
	}
}

// applet is one instance. Its state is in the card's memory and, until a reset, in the machine.
type applet struct {
	m              *Machine
	env            plug.Env
	classes, class string
	number         uint32
	opened         bool
	memory         memory
	views          map[byte]plug.FileView
}

// result is a RETURN.
type result struct {
	sw   apdu.SW
	data []byte
}

// errBroken is an applet that ran away or left what the runtime can hold; the reason is in Machine.Err.
var errBroken = errors.New("the applet is broken")

// call runs one operation. What the card panics with inside (power lost, a reset that ends Send) unwinds the applet first.
func (a *applet) call(op byte, arguments writer) (result, error) {
	if err := a.open(); err != nil {
		return result{}, err
	}
	return a.run(op, arguments)
}

// open lets the machine load the applet with what stands in the memory.
func (a *applet) open() error {
	if a.opened {
		return nil
	}
	open := writer(nil).bytes([]byte(a.classes)).bytes([]byte(a.class)).bytes(a.env.AID())
	a.memory.mirror = map[uint16][]byte{}
	_, err := a.run(opOpen, append(open, a.memory.differing()...))
	a.opened = err == nil
	return err
}

func (a *applet) run(op byte, arguments writer) (result, error) {
	number := a.m.next(&a.m.calls)
	f, err := a.m.exchange(frame{number, kindCall, append(writer(nil).u32(a.number).u8(op), arguments...)})
	for err == nil && f.kind == kindService {
		f, err = a.m.exchange(frame{number, kindAnswer, a.serve(number, f.body)})
	}
	if err != nil {
		a.opened = false
		return result{}, err
	}
	return a.result(f)
}

// serve gives the answer to a service. A panic goes on when the applet's frame has ended.
func (a *applet) serve(number uint32, body []byte) (answer []byte) {
	done := false
	defer func() {
		if !done {
			_, _ = a.m.exchange(frame{number, kindUnwind, nil}) // a machine that ended has no frame left
		}
	}()
	answer = a.service(&cursor{b: body})
	done = true
	return answer
}

func (a *applet) result(f frame) (result, error) {
	c := &cursor{b: f.body}
	outcome, sw, data, remarks := c.u8(), c.u16(), c.bytes(), c.bytes()
	if c.bad || f.kind != kindReturn {
		return result{}, errFrame
	}
	if outcome == outcomeBroken {
		a.memory.mirror = map[uint16][]byte{}
		a.m.broken(string(remarks))
		return result{}, fmt.Errorf("%w: %s", errBroken, remarks)
	}
	a.m.remark(remarks)
	return result{apdu.SW(sw), data}, nil
}

// must runs an operation for which the card has no way to hear of a failure: it falls silent, and Machine.Err tells why.
func (a *applet) must(op byte, arguments writer) result {
	r, err := a.call(op, arguments)
	if err != nil {
		panic(nvm.PowerLoss{})
	}
	return r
}

func command(c apdu.Command) writer {
	return writer(nil).bytes(c.Header()).bytes(c.Data).u16(uint16(c.Le))
}

// short refuses what does not fit the buffer of a Java Card 2 applet.
func (a *applet) short(op byte, c apdu.Command) apdu.Response {
	if len(c.Data) > apdu.MaxShortData || c.Le > apdu.MaxShortLe {
		return apdu.Response{SW: apdu.SWWrongLength}
	}
	r := a.must(op, command(c))
	if !r.sw.OK() && !r.sw.Warning() {
		r.data = nil
	}
	return apdu.Response{Data: r.data, SW: r.sw}
}

// Install implements plug.Applet.
func (a *applet) Install(p plug.InstallParameters) error {
	lv := func(v []byte) []byte { return append([]byte{byte(len(v))}, v...) }
	field := append(append(lv(p.Instance), lv(p.Privileges)...), lv(p.Application)...)
	if len(field) > 0x7F {
		return apdu.SWWrongData // the length of install is a signed byte
	}
	r, err := a.call(opInstall, writer(nil).bytes(field))
	switch {
	case err != nil:
		return err
	case r.sw != apdu.SWOK:
		return r.sw
	}
	return nil
}

// Select implements plug.Applet.
func (a *applet) Select(c apdu.Command) apdu.Response { return a.short(opSelect, c) }

// Process implements plug.Applet.
func (a *applet) Process(c apdu.Command) apdu.Response { return a.short(opProcess, c) }

// ProcessData implements plug.Applet.
func (a *applet) ProcessData(c apdu.Command) apdu.Response { return a.short(opProcessData, c) }

// Deselect implements plug.Applet.
func (a *applet) Deselect(channel int) { a.must(opDeselect, writer(nil).u8(byte(channel))) }

// Toolkit implements plug.Applet.
func (a *applet) Toolkit(e plug.Event) { a.must(opToolkit, writer(nil).u16(uint16(e))) }

// Uninstall implements plug.Applet.
func (a *applet) Uninstall() { a.must(opUninstall, nil) }

// PoweredUp implements plug.Applet. An applet that cannot be woken is silent at its first command.
func (a *applet) PoweredUp() {
	a.views = map[byte]plug.FileView{}
	if a.memory.count() > 0 && a.open() == nil {
		_, _ = a.run(opPoweredUp, a.memory.differing())
	}
}

// Usage is the memory an applet takes, in bytes, object headers not counted.
type Usage struct {
	Persistent      int
	TransientReset  int // CLEAR_ON_RESET
	TransientSelect int // CLEAR_ON_DESELECT
	Transaction     int // the largest so far
}

// UsageOf asks an applet of this package.
func UsageOf(p plug.Applet) (Usage, error) {
	a, ok := p.(*applet)
	if !ok {
		return Usage{}, errors.New("not a Java applet")
	}
	r, err := a.call(opMemory, nil)
	if err != nil {
		return Usage{}, err
	}
	c := &cursor{b: r.data}
	return Usage{int(c.u32()), int(c.u32()), int(c.u32()), int(c.u32())}, nil
}
