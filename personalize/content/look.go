package content

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/uicc"
)

// Facts is what an issuer security domain tells without keys. What the card does not have is nil.
type Facts struct {
	ICCID        uicc.ICCID
	FCI          gp.FCI
	Locked       bool // the card is in the state CARD_LOCKED
	Keys         []gp.KeyEntry
	Sequence     []byte
	CardData     *gp.CardData
	Capabilities *gp.Capabilities
	IIN, CIN     []byte
	CPLC         gp.CPLC
	Resources    *gp.Resources
}

// object is one object of GET DATA and where it goes.
type object struct {
	tag  tlv.Tag
	into func(f *Facts, b []byte) error
}

// Objects that are read alone, too.
var (
	keyInformation = object{gp.ObjectKeyInformation, func(f *Facts, b []byte) (err error) { f.Keys, err = gp.ParseKeyInformation(b); return err }}
	resources      = object{gp.ObjectResources, func(f *Facts, b []byte) error { return keep(&f.Resources, gp.ParseResources, b) }}
)

// keep takes what could be read; an object that could not is as good as none.
func keep[T any](into **T, parse func([]byte) (T, error), b []byte) error {
	v, err := parse(b)
	if err == nil {
		*into = &v
	}
	return err
}

// everything is what Look reads, in this order.
var everything = []object{
	keyInformation,
	{gp.ObjectCardData, func(f *Facts, b []byte) error { return keep(&f.CardData, gp.ParseCardData, b) }},
	{gp.ObjectCapabilities, func(f *Facts, b []byte) error { return keep(&f.Capabilities, gp.ParseCapabilities, b) }},
	{gp.ObjectSequenceCounter, func(f *Facts, b []byte) (err error) {
		f.Sequence, err = gp.ParseSmall(gp.ObjectSequenceCounter, b)
		return err
	}},
	{gp.ObjectIIN, func(f *Facts, b []byte) (err error) { f.IIN, err = gp.ParseSmall(gp.ObjectIIN, b); return err }},
	{gp.ObjectCIN, func(f *Facts, b []byte) (err error) { f.CIN, err = gp.ParseSmall(gp.ObjectCIN, b); return err }},
	{gp.ObjectCPLC, func(f *Facts, b []byte) (err error) { f.CPLC, err = gp.ParseCPLC(b); return err }},
	resources,
}

// ErrLocked is a card in the state CARD_LOCKED that does not show who it is.
var ErrLocked = errors.New("the card is locked and shows its security domain alone")

// Known reads who the card is and refuses another than the expected one. A card whose life cycle is CARD_LOCKED may show the issuer
// security domain alone and no EF_ICCID: then it is taken for the expected one, with a remark; its keys prove it, or not, without a
// try spent. Without one it is ErrLocked.
func Known(ctx context.Context, run *personalize.Run, expected personalize.Expected) (uicc.ICCID, error) {
	iccid, err := Unlocked(ctx, run, expected)
	if !errors.Is(err, ErrLocked) || expected.ICCID == "" {
		return iccid, err
	}
	run.Remark("the card is locked and does not show its ICCID: it is taken for the expected one")
	return uicc.ParseICCID(expected.ICCID)
}

// Unlocked is Known for what a locked card cannot do: it is ErrLocked whatever is expected.
func Unlocked(ctx context.Context, run *personalize.Run, expected personalize.Expected) (uicc.ICCID, error) {
	iccid, err := run.Known(ctx, expected)
	if !errors.As(err, new(*apdu.Error)) {
		return iccid, err
	}
	if _, locked, lockErr := gp.SelectDomain(ctx, run.Card, run.Domain); lockErr != nil || !locked {
		return iccid, err
	}
	return iccid, fmt.Errorf("%w: %w", ErrLocked, err)
}

// Look reads what the issuer security domain tells everybody: ten commands on a card that answers SELECT without an AID.
func Look(ctx context.Context, run *personalize.Run, expected personalize.Expected) (Facts, error) {
	iccid, err := Known(ctx, run, expected)
	if errors.As(err, new(*apdu.Error)) && expected == (personalize.Expected{}) {
		run.Remark("%v", err) // a locked card tells what it is all the same
		err = nil
	}
	if err != nil {
		return Facts{}, err
	}
	return look(ctx, run, iccid, everything...)
}

// LookAtKeys reads the keys alone: three commands.
func LookAtKeys(ctx context.Context, run *personalize.Run, expected personalize.Expected) (Facts, error) {
	iccid, err := Known(ctx, run, expected)
	if err != nil {
		return Facts{}, err
	}
	return look(ctx, run, iccid, keyInformation)
}

func look(ctx context.Context, run *personalize.Run, iccid uicc.ICCID, objects ...object) (Facts, error) {
	f := Facts{ICCID: iccid}
	var err error
	if f.FCI, f.Locked, err = gp.SelectDomain(ctx, run.Card, run.Domain); err != nil {
		return f, err
	}
	for _, o := range objects {
		if err := f.read(ctx, run, run.Card, o); err != nil {
			return f, err
		}
	}
	return f, nil
}

// read reads one object; a card that has none is no error, and one that cannot be read is worth a note.
func (f *Facts) read(ctx context.Context, run *personalize.Run, t apdu.Transmitter, o object) error {
	r, err := apdu.Do(ctx, t, "GET DATA "+o.tag.String(), gp.GetData(o.tag))
	if errors.As(err, new(*apdu.Error)) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := o.into(f, r.Data); err != nil {
		run.Remark("%v", err)
	}
	return nil
}

// Registry is what is installed on a card.
type Registry struct {
	ICCID        uicc.ICCID
	Domains      []gp.RegistryEntry
	Applications []gp.RegistryEntry
	LoadFiles    []gp.RegistryEntry // with their modules, where the card tells them
}

// find gives the row of an AID, nil without one.
func find(list []gp.RegistryEntry, aid []byte) *gp.RegistryEntry {
	n := slices.IndexFunc(list, func(e gp.RegistryEntry) bool { return bytes.Equal(e.AID, aid) })
	if n < 0 {
		return nil
	}
	return &list[n]
}

// madeFrom tells whether an application comes from a load file. A card that does not say so (tag C4 is optional, and the old format has
// none) leaves its AID: those of a package's applets usually begin with the package's.
func madeFrom(e gp.RegistryEntry, loadFile []byte) bool {
	if e.LoadFile == nil {
		return bytes.HasPrefix(e.AID, loadFile) && len(e.AID) > len(loadFile)
	}
	return bytes.Equal(e.LoadFile, loadFile)
}

func (r Registry) application(aid []byte) *gp.RegistryEntry { return find(r.Applications, aid) }

// List reads the registry through a secure channel to the issuer security domain: seven commands when every kind fits one page.
func List(ctx context.Context, run *personalize.Run, expected personalize.Expected) (Registry, error) {
	iccid, err := Known(ctx, run, expected)
	if err != nil {
		return Registry{}, err
	}
	d, err := Open(ctx, run, iccid)
	if err != nil {
		return Registry{}, err
	}
	defer d.Close()
	return d.List(ctx)
}

// List reads the whole registry.
func (d *Domain) List(ctx context.Context) (Registry, error) {
	d.run.Begin("registry")
	out := Registry{ICCID: d.ICCID}
	var err error
	if out.Domains, err = gp.Registry(ctx, d.Session, gp.Domains); err != nil {
		return out, err
	}
	return out, d.listContent(ctx, &out)
}

// listContent reads applications and load files alone.
func (d *Domain) listContent(ctx context.Context, out *Registry) (err error) {
	if out.Applications, err = gp.Registry(ctx, d.Session, gp.Applications); err != nil {
		return err
	}
	out.LoadFiles, err = gp.Registry(ctx, d.Session, gp.Modules)
	if errors.Is(err, apdu.SWWrongP1P2) { // a card that lists no modules
		out.LoadFiles, err = gp.Registry(ctx, d.Session, gp.LoadFiles)
	}
	return err
}
