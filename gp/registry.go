package gp

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// Kind is what GET STATUS lists (GPCS clause 11.4.2.1).
type Kind byte

// Kinds of registry entries.
const (
	Domains      Kind = 0x80 // the issuer security domain
	Applications Kind = 0x40 // applications and supplementary security domains
	LoadFiles    Kind = 0x20
	Modules      Kind = 0x10 // load files with their modules
)

// RegistryEntry is one row of a card's registry. What the card does not tell is nil.
type RegistryEntry struct {
	AID        []byte
	State      byte   // life cycle
	Privileges []byte // 1 or 3 bytes
	LoadFile   []byte // AID of the load file of an application
	Version    []byte // of a load file
	Domain     []byte // AID of the security domain it belongs to
	Modules    [][]byte
	Implicit   []byte // implicit selection parameters
}

// ErrRegistry is wrapped by every refusal of an answer to GET STATUS.
var ErrRegistry = errors.New("answer of GET STATUS")

// GetStatus builds GET STATUS for everything of a kind, in TLV form; next asks for the page behind the last one.
func GetStatus(kind Kind, next bool) apdu.Command {
	c := apdu.Command{CLA: 0x80, INS: apdu.INSStatus, P1: byte(kind), P2: 0x02, Data: []byte{0x4F, 0x00}, Le: apdu.MaxShortLe}
	if next {
		c.P2 |= 0x01
	}
	return c
}

// GetStatusPlain is GetStatus in the form of Open Platform 2.0.1, P2 00 and 01, for cards that know no other.
func GetStatusPlain(kind Kind, next bool) apdu.Command {
	c := GetStatus(kind, next)
	c.P2 &^= 0x02
	return c
}

// maxPages bounds what a card can make us ask for.
const maxPages = 64

// Registry reads everything of a kind: pages (6310) are joined before they are read, because a card may cut an entry at their
// border. A card that refuses the TLV form (6A86) is asked in the old one. 6A88 is an empty registry; any other refusal is an error,
// not an empty list.
func Registry(ctx context.Context, t apdu.Transmitter, kind Kind) ([]RegistryEntry, error) {
	all, err := statusPages(ctx, t, kind, GetStatus)
	if err == nil {
		return ParseStatus(all)
	}
	if !errors.Is(err, apdu.SWWrongP1P2) {
		return nil, err
	}
	old, err2 := statusPages(ctx, t, kind, GetStatusPlain)
	if errors.Is(err2, apdu.SWWrongP1P2) {
		return nil, err
	}
	if err2 != nil {
		return nil, err2
	}
	return ParseStatusPlain(kind, old)
}

func statusPages(ctx context.Context, t apdu.Transmitter, kind Kind, build func(Kind, bool) apdu.Command) ([]byte, error) {
	var all []byte
	name := fmt.Sprintf("GET STATUS %02X", byte(kind))
	for page := range maxPages {
		r, err := apdu.Do(ctx, t, name, build(kind, page > 0))
		all = append(all, r.Data...)
		switch {
		case err == nil:
			return all, nil
		case errors.Is(err, apdu.SWMoreData):
		case errors.Is(err, apdu.SWReferenceNotFound) && page == 0:
			return nil, nil
		default:
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: more than %d pages", ErrRegistry, maxPages)
}

// ParseStatus reads the TLV form: templates E3, in which some cards put several entries, each beginning with a tag 4F.
func ParseStatus(b []byte) ([]RegistryEntry, error) {
	templates, err := tlv.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	var out []RegistryEntry
	for _, template := range templates {
		if template.Tag != 0xE3 {
			return nil, fmt.Errorf("%w: tag %s where E3 is due", ErrRegistry, template.Tag)
		}
		entries, err := parseTemplate(template.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, entries...)
	}
	return out, nil
}

// parseTemplate reads the value of one E3.
func parseTemplate(b []byte) ([]RegistryEntry, error) {
	objects, err := tlv.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	var out []RegistryEntry
	for _, o := range objects {
		if o.Tag == 0x4F {
			out = append(out, RegistryEntry{AID: own(o.Value)})
			continue
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("%w: an entry begins without AID", ErrRegistry)
		}
		if err := out[len(out)-1].set(o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// set takes one object; unknown tags are passed over. A life cycle of two bytes counts by its first.
func (e *RegistryEntry) set(o tlv.Object) error {
	v := own(o.Value)
	switch o.Tag {
	case 0x9F70:
		if len(v) < 1 || len(v) > 2 {
			return fmt.Errorf("%w: life cycle of %d bytes", ErrRegistry, len(v))
		}
		e.State = v[0]
	case 0xC5:
		if len(v) != 1 && len(v) != 3 {
			return fmt.Errorf("%w: privileges of %d bytes", ErrRegistry, len(v))
		}
		e.Privileges = v
	case 0xC4:
		e.LoadFile = v
	case 0xCE:
		e.Version = v
	case 0xCC:
		e.Domain = v
	case 0x84:
		e.Modules = append(e.Modules, v)
	case 0xCF:
		e.Implicit = append(e.Implicit, v...)
	}
	return nil
}

// ParseStatusPlain reads the form of Open Platform 2.0.1, that cards answer with P2 00: length, AID, life cycle, privileges, over and
// over; of Modules then their number, and length and AID of each (GPCS 2.1.1 tables 9-29 and 9-30).
func ParseStatusPlain(kind Kind, b []byte) ([]RegistryEntry, error) {
	var out []RegistryEntry
	for len(b) > 0 {
		aid, rest, ok := plainAID(b)
		if !ok || len(rest) < 2 {
			return nil, fmt.Errorf("%w: AID of %d bytes, %d are left", ErrRegistry, b[0], len(b)-1)
		}
		e := RegistryEntry{AID: aid, State: rest[0], Privileges: own(rest[1:2])}
		b = rest[2:]
		if kind == Modules {
			var err error
			if e.Modules, b, err = plainModules(b); err != nil {
				return nil, err
			}
		}
		out = append(out, e)
	}
	return out, nil
}

func plainAID(b []byte) (aid, rest []byte, ok bool) {
	n := int(b[0])
	if n < 5 || n > 16 || len(b) < 1+n {
		return nil, nil, false
	}
	return own(b[1 : 1+n]), b[1+n:], true
}

func plainModules(b []byte) (modules [][]byte, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, fmt.Errorf("%w: the number of modules is missing", ErrRegistry)
	}
	count, rest := int(b[0]), b[1:]
	for range count {
		if len(rest) == 0 {
			return nil, nil, fmt.Errorf("%w: %d modules are announced, %d are there", ErrRegistry, count, len(modules))
		}
		aid, more, ok := plainAID(rest)
		if !ok {
			return nil, nil, fmt.Errorf("%w: module AID of %d bytes", ErrRegistry, rest[0])
		}
		modules, rest = append(modules, aid), more
	}
	return modules, rest, nil
}

// privilegeNames are the bits of the three privilege bytes, from the left (GPCS tables 6-1, 11-7 to 11-9).
var privilegeNames = [3][8]string{
	{"security_domain", "dap_verification", "delegated_management", "card_lock", "card_terminate", "card_reset", "cvm_management", "mandated_dap_verification"},
	{"trusted_path", "authorized_management", "token_verification", "global_delete", "global_lock", "global_registry", "final_application", "global_service"},
	{"receipt_generation", "ciphered_load_file_data_block", "contactless_activation", "contactless_self_activation"},
}

// PrivilegeNames gives the names of the bits that are set; a security domain has bit 8, and DAP verification implies it.
func PrivilegeNames(p []byte) []string {
	out := []string{}
	for i, b := range p {
		for bit := range 8 {
			if i < len(privilegeNames) && b&(0x80>>bit) != 0 && privilegeNames[i][bit] != "" {
				out = append(out, privilegeNames[i][bit])
			}
		}
	}
	return out
}

// StateName is the life cycle in the standard's words (GPCS clauses 5.1 to 5.3).
func StateName(kind Kind, state byte) string {
	switch {
	case kind == Domains:
		if n, ok := map[byte]string{0x01: "OP_READY", 0x07: "INITIALIZED", 0x0F: "SECURED", 0x7F: "CARD_LOCKED", 0xFF: "TERMINATED"}[state]; ok {
			return n
		}
	case kind == LoadFiles || kind == Modules:
		if state == 0x01 {
			return "LOADED"
		}
	case state&0x80 != 0:
		return "LOCKED"
	case state == 0x03:
		return "INSTALLED"
	case state&0x07 == 0x07 && state != 0x0F:
		return "SELECTABLE"
	case state == 0x0F:
		return "PERSONALIZED"
	}
	return fmt.Sprintf("%02X", state)
}
