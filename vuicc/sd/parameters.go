package sd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/tlv"
)

// InstallParameters is the parameter field of INSTALL [for install], as a UICC reads it (GPCS clause 11.5.2.3.7, TS 102 226
// clause 8.2.1.3.2): C9, then EF, then EA. The applet's install method sees Application alone.
type InstallParameters struct {
	Application []byte // value of C9, may be empty
	// Quotas of tag EF, in bytes; zero is none. Code is asked for only at load.
	Volatile, NonVolatile, Code int
	// Toolkit is nil without toolkit parameters (EA/80, or EF/CA).
	Toolkit *ToolkitParameters
	// Access is what the applet may do with files (EA/81, or EF/CA); AdminAccess what it may do with their administration
	// (EA/82). Empty: nothing.
	Access, AdminAccess []AccessDomain
}

// ToolkitParameters is EA/80 (TS 102 226 clause 8.2.1.3.2.2.1).
type ToolkitParameters struct {
	Priority byte // 01 highest to FF
	Timers   int  // 0 to 8
	MenuText int  // longest text of a menu entry
	Menu     []MenuEntry
	Channels int    // 0 to 7
	MSL      []byte // minimum security level: empty, or 01 and the first byte of the SPI
	TARs     [][]byte
	Services int
}

// Clashes tells whether two applets ask for the same TAR or the same menu identifier (TS 102 226 clause 8.2.1.3.2).
func (t *ToolkitParameters) Clashes(o ToolkitParameters) bool {
	if t == nil {
		return false
	}
	return slices.ContainsFunc(t.TARs, func(tar []byte) bool { return contains(o.TARs, tar) }) ||
		slices.ContainsFunc(t.Menu, func(m MenuEntry) bool {
			return m.ID != 0 && slices.ContainsFunc(o.Menu, func(n MenuEntry) bool { return n.ID == m.ID })
		})
}

// MenuEntry is a place in the menu; zeros leave it to the card.
type MenuEntry struct{ Position, ID byte }

// AccessDomain is what an applet may do in the tree of MF (ADF nil) or of one ADF (TS 102 226 clause 8.2.1.3.2.2.2): Domain is 00
// full, FF none, or 02 and three bytes.
type AccessDomain struct {
	ADF    []byte // full AID
	Domain []byte
}

// errParameters is wrapped by every refusal of a parameter field; the card answers 6A80.
var errParameters = errors.New("install parameters")

// ParseInstallParameters reads the parameter field: C9 first and mandatory, then EF, then EA, each once. CA (in EF) and EA exclude
// each other.
func ParseInstallParameters(b []byte) (InstallParameters, error) {
	var p InstallParameters
	objects, err := tlv.Parse(b)
	if err != nil {
		return p, fmt.Errorf("%w: %w", errParameters, err)
	}
	if len(objects) == 0 || objects[0].Tag != 0xC9 {
		return p, fmt.Errorf("%w: C9 is not the first", errParameters)
	}
	p.Application = objects[0].Value
	order := []tlv.Tag{0xEF, 0xEA}
	sim := false
	for _, o := range objects[1:] {
		for len(order) > 0 && order[0] != o.Tag {
			order = order[1:]
		}
		if len(order) == 0 {
			return p, fmt.Errorf("%w: tag %s is unknown, twice, or out of order", errParameters, o.Tag)
		}
		order = order[1:]
		if o.Tag == 0xEF {
			sim, err = p.system(o.Value, true)
		} else if err = p.uicc(o.Value); err == nil && sim {
			err = fmt.Errorf("%w: CA and EA together", errParameters)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

// system reads the value of EF (GPCS table 11-49): quotas C6 code, C7 volatile, C8 non-volatile, of 2 or 4 bytes, and CA where it may be.
func (p *InstallParameters) system(b []byte, install bool) (sim bool, err error) {
	quotas := map[tlv.Tag]*int{0xC6: &p.Code, 0xC7: &p.Volatile, 0xC8: &p.NonVolatile}
	err = each(b, func(o tlv.Object) error {
		if o.Tag == 0xCA && install {
			sim = true
			return p.simToolkit(o.Value)
		}
		into, ok := quotas[o.Tag]
		if !ok {
			return fmt.Errorf("%w: tag %s in EF", errParameters, o.Tag)
		}
		if len(o.Value) != 2 && len(o.Value) != 4 {
			return fmt.Errorf("%w: quota %s of %d bytes", errParameters, o.Tag, len(o.Value))
		}
		for _, v := range o.Value {
			*into = *into<<8 | int(v)
		}
		if *into < 0 || *into > 1<<29 {
			return fmt.Errorf("%w: quota %s of %d bytes of memory", errParameters, o.Tag, *into)
		}
		return nil
	})
	return sim, err
}

// uicc reads the value of EA: 80 toolkit, 81 access, 82 administrative access.
func (p *InstallParameters) uicc(b []byte) error {
	return each(b, func(o tlv.Object) error {
		r := &reader{b: o.Value}
		switch o.Tag {
		case 0x80:
			p.Toolkit = r.toolkit(true)
		case 0x81:
			p.Access = r.access()
		case 0x82:
			p.AdminAccess = r.access()
		default:
			return fmt.Errorf("%w: tag %s in EA", errParameters, o.Tag)
		}
		return r.end(o.Tag)
	})
}

// simToolkit reads the value of CA (TS 102 226 clause 8.2.1.3.2.1): access domain of the tree of MF, then as EA/80 without services; the
// last field may be left out.
func (p *InstallParameters) simToolkit(b []byte) error {
	r := &reader{b: b}
	p.Access = []AccessDomain{{Domain: r.domain()}}
	p.Toolkit = r.toolkit(false)
	return r.end(0xCA)
}

// each walks a template in which no tag stands twice.
func each(b []byte, f func(tlv.Object) error) error {
	objects, err := tlv.Parse(b)
	if err != nil {
		return fmt.Errorf("%w: %w", errParameters, err)
	}
	seen := map[tlv.Tag]bool{}
	for _, o := range objects {
		if seen[o.Tag] {
			return fmt.Errorf("%w: tag %s twice", errParameters, o.Tag)
		}
		seen[o.Tag] = true
		if err := f(o); err != nil {
			return err
		}
	}
	return nil
}

// reader takes fields off the front; after the first failure it gives zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if v := r.take(1); len(v) == 1 {
		return v[0]
	}
	return 0
}

// lv is a length of one byte and as many bytes.
func (r *reader) lv() []byte { return r.take(int(r.byte())) }

func (r *reader) end(tag tlv.Tag) error {
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%w: fields of tag %s", errParameters, tag)
	}
	return nil
}

// Limits of TS 102 223 and TS 102 241.
const (
	maxTimers   = 8
	maxChannels = 7
)

// toolkit reads priority, timers, menu text, menu entries, channels, MSL, TARs and, on a UICC of today, services.
func (r *reader) toolkit(services bool) *ToolkitParameters {
	t := &ToolkitParameters{Priority: r.byte(), Timers: int(r.byte()), MenuText: int(r.byte())}
	for range r.byte() {
		if r.bad {
			break
		}
		m := MenuEntry{r.byte(), r.byte()}
		r.bad = r.bad || m.ID > 0x7F // 80 to FF are the card's own
		t.Menu = append(t.Menu, m)
	}
	t.Channels = int(r.byte())
	t.MSL = r.lv()
	if services || len(r.b) > 0 {
		tars := r.lv()
		for ; len(tars) >= 3; tars = tars[3:] {
			t.TARs = append(t.TARs, tars[:3:3])
		}
		r.bad = r.bad || len(tars) > 0
	}
	if services && len(r.b) > 0 { // cards before release 7 have no such field
		t.Services = int(r.byte())
	}
	r.bad = r.bad || len(t.MSL) > 0 && (len(t.MSL) != 2 || t.MSL[0] != 0x01)
	r.bad = r.bad || t.Priority == 0 || t.Timers > maxTimers || t.Channels > maxChannels
	return t
}

// access reads LV AID, LV domain, LV DAP for each tree; an empty AID is the tree of MF. No tree stands twice, and a DAP is not taken.
func (r *reader) access() []AccessDomain {
	var out []AccessDomain
	seen := map[string]bool{}
	for len(r.b) > 0 && !r.bad {
		aid := r.lv()
		a := AccessDomain{Domain: r.domain()}
		if len(aid) > 0 {
			a.ADF = aid
		}
		r.bad = r.bad || len(aid) > 0 && !validAID(aid) || len(r.lv()) > 0 || seen[string(aid)]
		seen[string(aid)] = true
		out = append(out, a)
	}
	r.bad = r.bad || len(out) == 0
	return out
}

// domain reads an access domain with its length before it: 00, FF, or 02 and three bytes.
func (r *reader) domain() []byte {
	v := r.lv()
	known := len(v) == 1 && (v[0] == 0x00 || v[0] == 0xFF) || len(v) == 4 && v[0] == 0x02
	r.bad = r.bad || !known
	return v
}
