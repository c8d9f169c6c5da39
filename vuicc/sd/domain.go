// Package sd is the card's side of GlobalPlatform: the issuer security domain of the virtual UICC, its key sets
// and its secure channels (GPCS 2.3.1, Amendment D 1.2). It is written apart from the host's packages; published
// vectors pin both.
package sd

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/plug"
)

// Memory is what the domain must still know after a reset. Writes answer an error when the memory refuses.
type Memory interface {
	Get(key string) []byte
	PutNow(key string, v []byte) error
}

// KeySet is one key set: SCP02 or SCP03, its parameter i and three keys.
type KeySet struct {
	KVN           byte
	Protocol      byte
	I             byte
	ENC, MAC, DEK []byte
}

// Config is a domain on the day it leaves the factory.
type Config struct {
	AID      []byte
	KDD      []byte // 10 bytes
	CPLC     []byte // 42 bytes
	Keys     []KeySet
	Velocity int // failed authentications until a key set is blocked
	Rand     io.Reader
}

// Runtime is what the domain asks of the card.
type Runtime interface {
	// Registry lists the instances on the card.
	Registry() []Entry
	// Personalize hands one STORE DATA, unwrapped, to the instance chosen by INSTALL [for personalization].
	Personalize(instance []byte, c apdu.Command) apdu.Response
}

// Entry is one row of the registry.
type Entry struct {
	AID        []byte
	State      byte // life cycle
	Privileges []byte
	LoadFile   []byte
	Module     []byte
	Modules    [][]byte // of a load file
}

// loadFiles are the load files the instances came from, with their modules when asked for.
func loadFiles(instances []Entry, modules bool) []Entry {
	var out []Entry
	for _, i := range instances {
		at := slices.IndexFunc(out, func(e Entry) bool { return bytes.Equal(e.AID, i.LoadFile) })
		if at < 0 {
			at = len(out)
			out = append(out, Entry{AID: i.LoadFile, State: 0x01})
		}
		if modules {
			out[at].Modules = append(out[at].Modules, i.Module)
		}
	}
	return out
}

// Domain is the issuer security domain.
type Domain struct {
	mem      Memory
	cfg      Config
	rt       Runtime
	keys     []KeySet
	sessions map[int]*session
	target   map[int][]byte // instance chosen by INSTALL [for personalization], by channel
}

// keysCell holds the key sets: they can change.
const keysCell = "sd/keys"

// New opens the domain over its memory; what the memory holds wins over the configuration.
func New(mem Memory, cfg Config, rt Runtime) (*Domain, error) {
	d := &Domain{mem: mem, cfg: cfg, rt: rt, keys: cfg.Keys, sessions: map[int]*session{}, target: map[int][]byte{}}
	if raw := mem.Get(keysCell); raw != nil {
		d.keys = nil
		if err := json.Unmarshal(raw, &d.keys); err != nil {
			return nil, fmt.Errorf("key sets: %w", err)
		}
	}
	return d, nil
}

// Reset ends every session.
func (d *Domain) Reset() {
	d.sessions = map[int]*session{}
	d.target = map[int][]byte{}
}

// EndSession ends the session of a channel: another application was selected on it, or it was closed.
func (d *Domain) EndSession(channel int) {
	delete(d.sessions, channel)
	delete(d.target, channel)
}

// AID of the domain.
func (d *Domain) AID() []byte { return d.cfg.AID }

// Select answers SELECT of the domain (GPCS clause 11.9).
func (d *Domain) Select(apdu.Command) apdu.Response {
	v := tlv.Encode(0x84, d.cfg.AID)
	v = tlv.Append(v, 0xA5, tlv.Encode(0x9F65, []byte{0xFF}))
	return apdu.Response{Data: tlv.Encode(0x6F, v), SW: apdu.SWOK}
}

// Deselect ends the session of the channel.
func (d *Domain) Deselect(channel int) { d.EndSession(channel) }

// Process answers every other command on a channel where the domain is selected.
func (d *Domain) Process(c apdu.Command) apdu.Response {
	if apdu.BaseClass(c.CLA) != 0x80 && apdu.BaseClass(c.CLA) != 0x00 {
		return apdu.Response{SW: apdu.SWUnknownCLA}
	}
	switch c.INS {
	case apdu.INSInitializeUpdate, apdu.INSExternalAuth:
		return d.Channel(apdu.Channel(c.CLA)).Security(c)
	case apdu.INSGetData:
		if !apdu.SecureMessaging(c.CLA) {
			return d.getData(c)
		}
	}
	return d.secured(c)
}

// secured unwraps, carries out, and wraps the answer.
func (d *Domain) secured(c apdu.Command) apdu.Response {
	ch := d.Channel(apdu.Channel(c.CLA))
	plain, err := ch.Unwrap(c)
	if err != nil {
		return apdu.Response{SW: statusOf(err)}
	}
	return ch.Wrap(d.manage(plain))
}

func (d *Domain) manage(c apdu.Command) apdu.Response {
	switch c.INS {
	case apdu.INSGetData:
		return d.getData(c)
	case apdu.INSStatus:
		return d.getStatus(c)
	case apdu.INSInstall:
		return d.install(c)
	case apdu.INSStoreData:
		return d.storeData(c)
	}
	return apdu.Response{SW: apdu.SWUnknownINS}
}

func statusOf(err error) apdu.SW {
	if sw, ok := err.(apdu.SW); ok {
		return sw
	}
	return apdu.SWNoDiagnosis
}

// getData answers the objects everybody may read (GPCS clause 11.3, annex H).
func (d *Domain) getData(c apdu.Command) apdu.Response {
	tag := tlv.Tag(c.P1)<<8 | tlv.Tag(c.P2)
	var v []byte
	switch tag {
	case 0x9F7F:
		v = tlv.Encode(0x9F7F, d.cfg.CPLC)
	case 0x0066:
		v = d.cardData()
	case 0x00E0:
		v = d.keyInformation()
	case 0x00CF:
		v = tlv.Encode(0xCF, d.cfg.KDD)
	default:
		return apdu.Response{SW: apdu.SWReferenceNotFound}
	}
	return apdu.Response{Data: v, SW: apdu.SWOK}
}

// cardData is the card recognition data: GlobalPlatform 2.3.1, and the protocols of the key sets.
func (d *Domain) cardData() []byte {
	oid := func(last ...byte) []byte {
		return tlv.Encode(0x06, append([]byte{0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B}, last...))
	}
	v := oid(0x01)
	v = append(v, tlv.Encode(0x60, oid(0x02, 0x02, 0x03, 0x01))...)
	v = append(v, tlv.Encode(0x63, oid(0x03))...)
	seen := map[[2]byte]bool{}
	for _, k := range d.keys {
		if id := [2]byte{k.Protocol, k.I}; !seen[id] {
			seen[id] = true
			v = append(v, tlv.Encode(0x64, oid(0x04, k.Protocol, k.I))...)
		}
	}
	return tlv.Encode(0x66, tlv.Encode(0x73, v))
}

// keyInformation is template E0 (GPCS clause 11.3.3.1): key identifier, version, type, length.
func (d *Domain) keyInformation() []byte {
	var v []byte
	for _, k := range d.keys {
		kind := byte(0x80)
		if k.Protocol == 0x03 {
			kind = 0x88
		}
		for id, key := range [][]byte{k.ENC, k.MAC, k.DEK} {
			v = append(v, tlv.Encode(0xC0, []byte{byte(id + 1), k.KVN, kind, byte(len(key))})...)
		}
	}
	return tlv.Encode(0xE0, v)
}

// getStatus lists the domain (80) or the applications (40) in TLV form (GPCS clause 11.4).
func (d *Domain) getStatus(c apdu.Command) apdu.Response {
	if c.P2&0x02 == 0 || len(c.Data) < 2 || c.Data[0] != 0x4F {
		return apdu.Response{SW: apdu.SWWrongP1P2}
	}
	objects, err := tlv.Parse(c.Data)
	if err != nil {
		return apdu.Response{SW: apdu.SWWrongData}
	}
	want, _ := objects.Find(0x4F)
	var entries []Entry
	switch c.P1 {
	case 0x80:
		entries = []Entry{{AID: d.cfg.AID, State: 0x0F, Privileges: []byte{0x9E, 0xFE, 0x80}}}
	case 0x40:
		entries = d.rt.Registry()
	case 0x20, 0x10:
		entries = loadFiles(d.rt.Registry(), c.P1 == 0x10)
	default:
		return apdu.Response{SW: apdu.SWReferenceNotFound}
	}
	var out []byte
	for _, e := range entries {
		if len(e.AID) >= len(want) && string(e.AID[:len(want)]) == string(want) {
			v := tlv.Encode(0x4F, e.AID)
			v = tlv.Append(v, 0x9F70, []byte{e.State})
			if len(e.Privileges) > 0 {
				v = tlv.Append(v, 0xC5, e.Privileges)
			}
			if len(e.LoadFile) > 0 {
				v = tlv.Append(v, 0xC4, e.LoadFile)
			}
			for _, m := range e.Modules {
				v = tlv.Append(v, 0x84, m)
			}
			out = append(out, tlv.Encode(0xE3, v)...)
		}
	}
	if len(out) == 0 {
		return apdu.Response{SW: apdu.SWReferenceNotFound}
	}
	return apdu.Response{Data: out, SW: apdu.SWOK}
}

// install knows INSTALL [for personalization] (P1 20, GPCS clause 11.5.2.3.6): two empty fields, then the instance.
func (d *Domain) install(c apdu.Command) apdu.Response {
	if c.P1 != 0x20 || c.P2 != 0 {
		return apdu.Response{SW: apdu.SWFunctionUnsupported}
	}
	if len(c.Data) < 3 || c.Data[0] != 0 || c.Data[1] != 0 || len(c.Data) < 3+int(c.Data[2]) {
		return apdu.Response{SW: apdu.SWWrongData}
	}
	aid := c.Data[3 : 3+int(c.Data[2])]
	for _, e := range d.rt.Registry() {
		if string(e.AID) == string(aid) {
			d.target[apdu.Channel(c.CLA)] = append([]byte(nil), aid...)
			return apdu.Response{Data: []byte{0x00}, SW: apdu.SWOK}
		}
	}
	return apdu.Response{SW: apdu.SWReferenceNotFound}
}

func (d *Domain) storeData(c apdu.Command) apdu.Response {
	aid := d.target[apdu.Channel(c.CLA)]
	if aid == nil {
		return apdu.Response{SW: apdu.SWConditions}
	}
	return d.rt.Personalize(aid, c)
}

// Channel is the domain's secure channel on a logical channel.
func (d *Domain) Channel(n int) plug.SecureChannel { return &channel{d, n, d.cfg.AID} }

// ChannelFor is the channel an applet of this domain hands its commands to.
func (d *Domain) ChannelFor(n int, applet []byte) plug.SecureChannel { return &channel{d, n, applet} }

func cellName(kvn byte, what string) string {
	return "sd/" + hex.EncodeToString([]byte{kvn}) + "/" + what
}
